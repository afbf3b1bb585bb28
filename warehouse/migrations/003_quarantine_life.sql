-- The life of a refused row: open, then fixed (a later delivery brought it right), released (a rule changed and it
-- passes now) or waived (who, why, until when).
ALTER TABLE quarantine ADD COLUMN state_at TIMESTAMPTZ;
ALTER TABLE quarantine ADD COLUMN state_by VARCHAR;         -- load id, or the name of who decided
ALTER TABLE quarantine ADD COLUMN state_reason VARCHAR;
ALTER TABLE quarantine ADD COLUMN waived_until DATE;
