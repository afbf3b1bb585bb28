-- Scores of the four offices in the month.
SELECT office, unit, score FROM manual_office WHERE month = getvariable('month') ORDER BY office, unit
