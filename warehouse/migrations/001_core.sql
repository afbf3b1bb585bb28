-- The hub's own tables. Canonical tables of feeds are made from their specs (warehouse/tables.py).
-- DuckLake has no keys: one writer per table under `lake.write`, and MERGE on the natural key.

CREATE TABLE schema_version (version INTEGER NOT NULL, name VARCHAR NOT NULL, applied_at TIMESTAMPTZ NOT NULL);

-- What stands in the lake because files say so (reference data, dictionary, tables of specs), by content.
CREATE TABLE prepared (part VARCHAR NOT NULL, sha256 VARCHAR NOT NULL, prepared_at TIMESTAMPTZ NOT NULL);

-- Ledger: one row per feed and service day, the present state of that delivery.
CREATE TABLE delivery (
    feed VARCHAR NOT NULL, platform VARCHAR NOT NULL, service_day DATE NOT NULL,
    state VARCHAR NOT NULL,             -- expected | landed | loaded | checked | published | empty_confirmed | held | failed
    landed BIGINT, loaded BIGINT, duplicate BIGINT, quarantined BIGINT,
    inserted BIGINT, updated BIGINT, unchanged BIGINT, late BIGINT, flagged BIGINT,
    stated_total BIGINT, load_id VARCHAR, loads INTEGER, content_sha256 VARCHAR, spec_sha256 VARCHAR,
    expected_by TIMESTAMPTZ, started_at TIMESTAMPTZ, finished_at TIMESTAMPTZ,
    error_code VARCHAR, error VARCHAR, whose_move VARCHAR, since TIMESTAMPTZ, findings VARCHAR);

-- Every load that changed something, for the history behind the ledger.
CREATE TABLE load_log (
    load_id VARCHAR NOT NULL, feed VARCHAR NOT NULL, service_day DATE NOT NULL,
    landed BIGINT, loaded BIGINT, duplicate BIGINT, quarantined BIGINT,
    inserted BIGINT, updated BIGINT, unchanged BIGINT, late BIGINT, flagged BIGINT,
    content_sha256 VARCHAR, spec_sha256 VARCHAR, landing_folder VARCHAR, finished_at TIMESTAMPTZ);

-- How far a feed with a change cursor was read by each service day's delivery.
CREATE TABLE feed_cursor (feed VARCHAR NOT NULL, service_day DATE NOT NULL, position VARCHAR NOT NULL, load_id VARCHAR NOT NULL, as_of TIMESTAMPTZ NOT NULL);

-- Days of a canonical table that a load changed and whose indicators are not recomputed yet.
CREATE TABLE dirty_day (table_name VARCHAR NOT NULL, service_day DATE NOT NULL, load_id VARCHAR NOT NULL, marked_at TIMESTAMPTZ NOT NULL);

CREATE TABLE quarantine (
    id VARCHAR NOT NULL,                -- sha256 over feed, reason, field and raw row: a re-run adds nothing
    feed VARCHAR NOT NULL, service_day DATE NOT NULL, load_id VARCHAR NOT NULL,
    place VARCHAR,                      -- file and row number inside it
    natural_key VARCHAR, reason VARCHAR NOT NULL, field VARCHAR, value VARCHAR,
    raw VARCHAR NOT NULL, state VARCHAR NOT NULL, owner VARCHAR NOT NULL,
    spec_sha256 VARCHAR NOT NULL, seen_at TIMESTAMPTZ NOT NULL);

CREATE TABLE quality_result (
    feed VARCHAR NOT NULL, service_day DATE NOT NULL, check_id VARCHAR NOT NULL, check_kind VARCHAR NOT NULL,
    column_name VARCHAR, severity VARCHAR NOT NULL, success BOOLEAN NOT NULL, errored BOOLEAN NOT NULL,
    observed VARCHAR, expected VARCHAR, unexpected_count BIGINT, element_count BIGINT,
    detail VARCHAR, run_at TIMESTAMPTZ NOT NULL);

-- Dimensions
CREATE TABLE unit (
    unit_code VARCHAR NOT NULL, name_zh VARCHAR NOT NULL, name_en VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,              -- territory | department | county
    league VARCHAR, sort INTEGER, source VARCHAR, confidence VARCHAR, valid_from DATE, valid_to DATE);
CREATE TABLE platform (
    platform VARCHAR NOT NULL, name_zh VARCHAR NOT NULL, name_en VARCHAR NOT NULL, owner_unit VARCHAR, sort INTEGER);
CREATE TABLE company (company_code VARCHAR NOT NULL, name_zh VARCHAR NOT NULL, kind VARCHAR NOT NULL, source VARCHAR);
CREATE TABLE calendar_day (
    day DATE NOT NULL, day_id INTEGER NOT NULL, -- yyyymmdd
    month VARCHAR NOT NULL, weekday INTEGER NOT NULL,
    working BOOLEAN NOT NULL, holiday VARCHAR, heating BOOLEAN NOT NULL);
CREATE TABLE unit_cell (cell_x INTEGER NOT NULL, cell_y INTEGER NOT NULL, unit_code VARCHAR NOT NULL, whole BOOLEAN NOT NULL);
CREATE TABLE unit_edge (unit_code VARCHAR NOT NULL, cell_x INTEGER NOT NULL, cell_y INTEGER NOT NULL,
    x1 DOUBLE NOT NULL, y1 DOUBLE NOT NULL, x2 DOUBLE NOT NULL, y2 DOUBLE NOT NULL);

-- Indicators: ratios as numerator and denominator; a missing value is NULL with a reason, never zero.
CREATE TABLE indicator (
    code VARCHAR NOT NULL, platform VARCHAR NOT NULL, title_zh VARCHAR NOT NULL, title_en VARCHAR NOT NULL,
    unit VARCHAR NOT NULL, direction VARCHAR NOT NULL, formula VARCHAR NOT NULL, kind VARCHAR NOT NULL,
    roll_up VARCHAR NOT NULL, min_coverage DOUBLE, target VARCHAR, source VARCHAR, confidence VARCHAR,
    note VARCHAR, tables VARCHAR, definition_sha256 VARCHAR NOT NULL);
CREATE TABLE indicator_value (
    code VARCHAR NOT NULL, unit_code VARCHAR NOT NULL, period_kind VARCHAR NOT NULL, period VARCHAR NOT NULL,
    numerator DOUBLE, denominator DOUBLE, value DOUBLE, n_expected BIGINT, n_valid BIGINT, coverage DOUBLE,
    state VARCHAR NOT NULL,             -- ok | provisional | missing | no_denominator
    reason VARCHAR, quarantined BIGINT, as_of TIMESTAMPTZ NOT NULL, definition_sha256 VARCHAR NOT NULL);

-- Scores: decimal texts would not sort, so DECIMAL; the trace explains each number.
CREATE TABLE score (
    scheme VARCHAR NOT NULL, period VARCHAR NOT NULL, unit_code VARCHAR NOT NULL, component VARCHAR NOT NULL,
    weight DECIMAL(9, 6), value DECIMAL(38, 18), points DECIMAL(38, 18), state VARCHAR NOT NULL,
    source VARCHAR, as_of TIMESTAMPTZ NOT NULL, trace VARCHAR);
CREATE TABLE ranking (
    scheme VARCHAR NOT NULL, league VARCHAR NOT NULL, period VARCHAR NOT NULL, unit_code VARCHAR NOT NULL,
    unit_name VARCHAR NOT NULL, score DECIMAL(38, 18), grade VARCHAR, rank INTEGER, state VARCHAR NOT NULL,
    reason VARCHAR, completeness DOUBLE, publication INTEGER, as_of TIMESTAMPTZ NOT NULL, trace VARCHAR);
CREATE TABLE publication (
    number INTEGER NOT NULL, period VARCHAR NOT NULL, service_day DATE NOT NULL, status VARCHAR NOT NULL,
    reason VARCHAR, supersedes INTEGER, sha256 VARCHAR NOT NULL, published_at TIMESTAMPTZ NOT NULL);
