-- What a department has to see to: opened, mailed and closed by the hub itself.
CREATE TABLE issue (
    id VARCHAR NOT NULL, department VARCHAR NOT NULL, owner VARCHAR NOT NULL, feed VARCHAR NOT NULL,
    kind VARCHAR NOT NULL, title_zh VARCHAR NOT NULL, detail VARCHAR NOT NULL,
    since_day DATE NOT NULL, last_day DATE NOT NULL, state VARCHAR NOT NULL, -- open | closed
    opened_at TIMESTAMPTZ NOT NULL, told_at TIMESTAMPTZ, closed_at TIMESTAMPTZ);
