-- The month's indicator values with the words of their definitions.
SELECT v.code, v.unit_code, i.title_zh, i.unit, i.direction, i.formula, i.tables, i.source, i.confidence,
       v.numerator, v.denominator, v.value, v.n_expected, v.n_valid, v.coverage, v.state, v.reason, v.quarantined
FROM indicator_value AS v
LEFT JOIN indicator AS i ON i.code = v.code
WHERE v.period_kind = 'month' AND v.period = getvariable('month')
