-- The outbox of pushes, one file an installation. A row of `item` is the newest thing to say about one key of a dataset
-- at one target, or (state held) the memory that the target has it; a `batch` is frozen before its first try.
CREATE TABLE IF NOT EXISTS token (
    target TEXT NOT NULL,
    dataset TEXT NOT NULL,
    sequence INTEGER NOT NULL,           -- changes up to this publication are in `item`
    rule TEXT NOT NULL,                  -- identity of the template's rule that the records were made by
    PRIMARY KEY (target, dataset)
);
CREATE TABLE IF NOT EXISTS item (
    id INTEGER PRIMARY KEY,
    target TEXT NOT NULL,
    dataset TEXT NOT NULL,
    key TEXT NOT NULL,                   -- the row's key as a JSON object
    op TEXT NOT NULL,                    -- insert, revise, delete
    source TEXT,                         -- our row as JSON; NULL for delete and for held
    sequence INTEGER NOT NULL,           -- publication that it is from
    state TEXT NOT NULL,                 -- waiting, batched, unmapped, dead, dropped, held
    batch TEXT,
    most INTEGER,                        -- at most so many rows in its batch; NULL: as the template says
    told INTEGER NOT NULL DEFAULT 0,     -- 1: the target has taken the key, in this or an older content
    sha256 TEXT,                         -- of rule and source
    detail TEXT,                         -- why it is unmapped or dead
    UNIQUE (target, dataset, key)
);
CREATE INDEX IF NOT EXISTS item_state ON item (target, dataset, state, id);
CREATE INDEX IF NOT EXISTS item_batch ON item (batch) WHERE batch IS NOT NULL;
CREATE TABLE IF NOT EXISTS batch (
    id TEXT PRIMARY KEY,                 -- idempotency key
    number INTEGER NOT NULL UNIQUE,
    target TEXT NOT NULL,
    dataset TEXT NOT NULL,
    sequence INTEGER NOT NULL,           -- highest publication in it
    body BLOB,                           -- bytes of every try; NULL once it is over
    sha256 TEXT NOT NULL,
    items TEXT NOT NULL,                 -- ids of its rows in their order, as a JSON array
    row_count INTEGER NOT NULL,
    state TEXT NOT NULL,                 -- waiting, sent, split, refused
    attempts INTEGER NOT NULL DEFAULT 0,
    next_at TEXT,                        -- not before this moment
    error TEXT,
    receipt TEXT,
    rejected INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL,
    done_at TEXT
);
CREATE INDEX IF NOT EXISTS batch_state ON batch (target, dataset, state);
