-- Every number of the month's scores, with its trace.
SELECT scheme, period, unit_code, component, weight, value, points, state, source, as_of, trace
FROM score
WHERE period = getvariable('month')
ORDER BY scheme, unit_code, component
