SELECT getvariable('month') AS period, kind, property, title_zh, title_en, measure, feed, fresh_hours
FROM site_property
