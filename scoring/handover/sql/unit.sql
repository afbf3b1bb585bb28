-- Assessed units, and the things beside them that values are given for.
SELECT unit_code, name_zh, name_en, kind AS unit_type, league, valid_from, valid_to
FROM source_unit
UNION ALL
SELECT DISTINCT unit_code, unit_name, NULL, unit_type, NULL, CAST(NULL AS DATE), CAST(NULL AS DATE)
FROM given_value
WHERE unit_code NOT IN (SELECT unit_code FROM source_unit)
ORDER BY unit_code
