-- The month's indicator values that the digital-city policy may read.
SELECT code, unit_code, numerator, denominator, value, coverage, state, reason
FROM indicator_value
WHERE period_kind = 'month' AND period = getvariable('month')
ORDER BY code, unit_code
