-- What stood there before it was computed again.
SELECT restated_at, plan, old_value, new_value, old_state, new_state, cause, load_ids FROM restatement
WHERE code = $code AND unit_code = $unit AND period_kind = $kind AND period = $name ORDER BY restated_at
