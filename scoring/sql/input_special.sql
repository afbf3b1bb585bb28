-- Scores of the eight campaigns, from January to the month: a campaign that a unit was scored for earlier in the
-- year is missed when its cell is not there any more. The scorer's name stays in the warehouse.
SELECT month, campaign, unit, score
FROM manual_special
WHERE month >= getvariable('year_first') AND month <= getvariable('month')
ORDER BY month, campaign, unit
