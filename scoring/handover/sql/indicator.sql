-- Definitions with the factor of their value.
SELECT i.code, i.platform, i.title_zh, i.title_en, i.unit, i.direction, i.kind, CAST(s.scale AS DOUBLE) AS scale,
       i.roll_up, i.formula, i.min_coverage, nullif(i.target, '') AS target, nullif(i.source, '') AS source,
       nullif(i.confidence, '') AS confidence, nullif(i.note, '') AS note, i.definition_sha256
FROM source_indicator AS i
LEFT JOIN scales AS s ON s.code = i.code
ORDER BY i.code
