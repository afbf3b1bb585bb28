-- What a source has declared gone, and in which version: an older version that comes later does not bring it back.
CREATE TABLE tombstone (
    feed VARCHAR NOT NULL,
    key VARCHAR NOT NULL,               -- values of the natural key as a JSON array of texts
    version TIMESTAMPTZ NOT NULL,
    service_day DATE NOT NULL,          -- of the row that said so
    load_id VARCHAR NOT NULL, noted_at TIMESTAMPTZ NOT NULL);
