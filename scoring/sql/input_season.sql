-- Whether the month has heating days.
SELECT coalesce(bool_or(heating), FALSE) AS heating FROM calendar_day WHERE month = getvariable('month')
