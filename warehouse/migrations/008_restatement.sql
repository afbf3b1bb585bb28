-- A number that was computed before and came out otherwise when it was computed again: old and new, and why.
CREATE TABLE restatement (
    restated_at TIMESTAMPTZ NOT NULL,
    plan VARCHAR,                       -- id of the plan that was applied; NULL: a night, late rows
    code VARCHAR NOT NULL, unit_code VARCHAR NOT NULL, period_kind VARCHAR NOT NULL, period VARCHAR NOT NULL,
    old_numerator DOUBLE, old_denominator DOUBLE, old_value DOUBLE, old_state VARCHAR NOT NULL,
    new_numerator DOUBLE, new_denominator DOUBLE, new_value DOUBLE, new_state VARCHAR NOT NULL,
    cause VARCHAR NOT NULL,             -- rows | definition | ledger
    load_ids VARCHAR);                  -- the loads that changed rows behind it, with commas
-- Plans that were carried out on the warehouse: who, why, when, and whether what came out is what was planned.
CREATE TABLE plan_applied (
    plan VARCHAR NOT NULL, kind VARCHAR NOT NULL, subject VARCHAR NOT NULL, reason VARCHAR NOT NULL,
    applied_by VARCHAR NOT NULL, planned_at TIMESTAMPTZ NOT NULL, applied_at TIMESTAMPTZ NOT NULL,
    snapshot_before BIGINT NOT NULL, snapshot_after BIGINT NOT NULL,
    sha256 VARCHAR NOT NULL,            -- over the differences that came out
    verified BOOLEAN NOT NULL);
