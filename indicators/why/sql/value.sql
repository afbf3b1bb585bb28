-- The stored value of one indicator, unit and period.
SELECT numerator, denominator, value, n_expected, n_valid, coverage, state, reason, quarantined, as_of,
       definition_sha256
FROM indicator_value WHERE code = $code AND unit_code = $unit AND period_kind = $kind AND period = $name
