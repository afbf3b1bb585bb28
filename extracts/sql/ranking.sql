-- The ranking without its trace; what follows from it is a dataset of its own.
SELECT period, scheme, league, unit_code AS unit, unit_name, score, grade, rank, state, reason, completeness FROM ranking
