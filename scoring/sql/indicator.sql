-- The definitions in force.
SELECT * FROM indicator ORDER BY code
