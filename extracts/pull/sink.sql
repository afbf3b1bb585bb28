-- What a copy knows of itself, beside its tables.
CREATE SCHEMA IF NOT EXISTS provenance;
CREATE TABLE IF NOT EXISTS provenance.source (name VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS provenance.trusted (
    key_id VARCHAR PRIMARY KEY,
    public_key BLOB NOT NULL,
    trusted_since VARCHAR NOT NULL
);
CREATE TABLE IF NOT EXISTS provenance.manifest (
    sequence BIGINT PRIMARY KEY,
    sha256 VARCHAR NOT NULL,
    body BLOB NOT NULL,               -- the signed bytes
    signature BLOB NOT NULL,
    key_id VARCHAR NOT NULL
);
-- the second signature, where the consumer demanded it and it was right; copies of before have no such column
ALTER TABLE provenance.manifest ADD COLUMN IF NOT EXISTS sm2 BLOB;
CREATE TABLE IF NOT EXISTS provenance.state (
    dataset VARCHAR PRIMARY KEY,
    token BIGINT NOT NULL,            -- the rows are those of this publication
    proved BOOLEAN NOT NULL,          -- false: the key may not read whole files, so no signature covers the rows
    row_count BIGINT NOT NULL,
    pulled_at VARCHAR NOT NULL
);
