-- What a retention run deleted, and the proof: digest of the deleted and what was counted before and after.
CREATE TABLE retention_log (
    run_id VARCHAR NOT NULL, run_at TIMESTAMPTZ NOT NULL, feed VARCHAR NOT NULL,
    what VARCHAR NOT NULL,              -- raw | detail | quarantine | aggregate
    before_day DATE NOT NULL,           -- everything of earlier service days is gone
    days BIGINT NOT NULL, row_count BIGINT, files BIGINT, bytes BIGINT,
    sha256 VARCHAR NOT NULL,            -- over the identities of what was deleted
    remaining BIGINT NOT NULL);         -- counted afterwards: must be 0
