-- Digital-city scores given by hand; usually none.
SELECT unit, score, reason FROM manual_digital WHERE month = getvariable('month') ORDER BY unit
