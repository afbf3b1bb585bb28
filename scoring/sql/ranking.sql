-- The ranking of the month; the number of the publication stands in the published rows only.
SELECT scheme, league, period, unit_code, unit_name, score, grade, rank, state, reason, completeness,
       CAST(getvariable('publication') AS INTEGER) AS publication, as_of, trace
FROM ranking
WHERE period = getvariable('month')
ORDER BY scheme, league, rank NULLS LAST, unit_code
