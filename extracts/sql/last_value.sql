SELECT getvariable('month') AS period, kind, site, property, unit, value, observed_at, state
FROM last_value
