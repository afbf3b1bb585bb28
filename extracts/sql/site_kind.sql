SELECT getvariable('month') AS period, kind, title_zh, title_en, feed, sites
FROM site_kind
