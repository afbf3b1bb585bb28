-- The stored day values of one indicator and unit in a longer period.
SELECT period, state, reason, numerator FROM indicator_value
WHERE code = $code AND unit_code = $unit AND period_kind = 'day' AND period >= $first AND period <= $last
