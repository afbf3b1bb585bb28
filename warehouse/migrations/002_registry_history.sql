-- What a registry said of a key from which service day to which: a terminal that moves to another truck stays explainable.
CREATE TABLE registry_history (
    table_name VARCHAR NOT NULL, key VARCHAR NOT NULL, column_name VARCHAR NOT NULL, value VARCHAR NOT NULL,
    valid_from DATE NOT NULL,           -- first service day
    valid_to DATE,                      -- first service day on which it no longer held; NULL: it holds
    load_id VARCHAR NOT NULL);
ALTER TABLE registry_history SET PARTITIONED BY (table_name);
