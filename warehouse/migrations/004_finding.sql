-- What was noticed about a delivery beside its rows: drift of its columns, silence, personal data. A finding stays
-- open until its origin looks at the same feed and day again and does not find it any more.
CREATE TABLE finding (
    id VARCHAR NOT NULL,                -- sha256 over feed, day, origin, kind and subject
    feed VARCHAR NOT NULL, service_day DATE NOT NULL, load_id VARCHAR,
    origin VARCHAR NOT NULL,            -- drift | watch | personal
    kind VARCHAR NOT NULL, severity VARCHAR NOT NULL, -- info | warning | critical
    subject VARCHAR,                    -- column, device, file: what it is about
    detail VARCHAR NOT NULL, observed VARCHAR, expected VARCHAR, row_count BIGINT,
    suggestion VARCHAR,                 -- a change of the spec that one can apply, as a unified diff
    owner VARCHAR NOT NULL, state VARCHAR NOT NULL, -- open | closed
    found_at TIMESTAMPTZ NOT NULL, closed_at TIMESTAMPTZ);
