SELECT getvariable('month') AS period, kind, site, name, unit, lon, lat, operation, observed_at, state
FROM site
