SELECT getvariable('month') AS period, unit_code AS unit, name_zh, name_en, kind, league, sort, source, confidence,
       valid_from, valid_to
FROM unit
