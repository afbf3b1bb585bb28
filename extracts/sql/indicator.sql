-- `unit` is the assessed unit everywhere, so the unit of measure has another name.
SELECT getvariable('month') AS period, code, platform, title_zh, title_en, unit AS measure, direction, formula, kind,
       roll_up, min_coverage, target, source, confidence, note, definition_sha256
FROM indicator
