-- What finds a refused row again: its key as the table would hold it, and the newest delivery that brought it.
ALTER TABLE quarantine ADD COLUMN row_key VARCHAR;          -- typed key values as a JSON array; empty where one is unreadable
ALTER TABLE quarantine ADD COLUMN last_load_id VARCHAR;
ALTER TABLE quarantine ADD COLUMN last_place VARCHAR;
