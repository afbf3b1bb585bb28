-- All values of the month: the month's own and those of its days.
SELECT code, unit_code, period_kind, period, numerator, denominator, value, n_expected, n_valid, coverage, state,
       reason, quarantined, as_of, definition_sha256
FROM indicator_value
WHERE (period_kind = 'month' AND period = getvariable('month'))
   OR (period_kind = 'day' AND starts_with(period, getvariable('month') || '-'))
ORDER BY code, unit_code, period_kind, period
