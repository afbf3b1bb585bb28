-- Derived tables: what several indicators need and analysts ask for, made day by day from canonical tables by
-- indicators/tables/*.yaml. A day is replaced as a whole; `service_day` is the day on which the row's event ended
-- or, for episodes and stops, began.
CREATE TABLE enf_stage (
    service_day DATE NOT NULL, unit_code VARCHAR, case_no VARCHAR NOT NULL, dept_code VARCHAR,
    stage VARCHAR NOT NULL,             -- accepting | registering | dispatching | handling | checking | closing
    suspended BOOLEAN NOT NULL, started_at TIMESTAMPTZ NOT NULL, ended_at TIMESTAMPTZ NOT NULL,
    in_order BOOLEAN NOT NULL, elapsed_h DECIMAL(18, 6) NOT NULL, working_h DECIMAL(18, 6) NOT NULL);
CREATE TABLE gas_episode (
    service_day DATE NOT NULL, unit_code VARCHAR, detector_id VARCHAR, started_at TIMESTAMPTZ NOT NULL,
    cleared_at TIMESTAMPTZ, alarms BIGINT NOT NULL, highest_level BIGINT NOT NULL);
CREATE TABLE mk_stop (
    service_day DATE NOT NULL, unit_code VARCHAR, terminal_phone VARCHAR NOT NULL, company VARCHAR,
    started_at TIMESTAMPTZ NOT NULL, ended_at TIMESTAMPTZ NOT NULL, minutes DECIMAL(18, 6) NOT NULL,
    lon_wgs84 DECIMAL(18, 6) NOT NULL, lat_wgs84 DECIMAL(18, 6) NOT NULL, site_id VARCHAR);
CREATE TABLE mk_trip (
    service_day DATE NOT NULL, unit_code VARCHAR, terminal_phone VARCHAR NOT NULL, company VARCHAR,
    started_at TIMESTAMPTZ NOT NULL, ended_at TIMESTAMPTZ NOT NULL,
    site_id VARCHAR, disposal_id VARCHAR, permit_no VARCHAR, route_id VARCHAR,
    lon_wgs84 DECIMAL(18, 6) NOT NULL, lat_wgs84 DECIMAL(18, 6) NOT NULL, -- where the load went off
    whole BOOLEAN NOT NULL,             -- reports close before start and end: both places are known
    driven_km DECIMAL(18, 6) NOT NULL, off_route_km DECIMAL(18, 6), max_speed_kmh DECIMAL(18, 6));
