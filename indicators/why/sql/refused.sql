-- Refused rows of these service days that are not settled, by reason: how many, the first few with their places.
SELECT reason, field, state, any_value(owner), count(*), list(id ORDER BY service_day, place, id)[1:$shown],
       list(coalesce(last_load_id, load_id) || ' ' || coalesce(last_place, place, '?')
            ORDER BY service_day, place, id)[1:$shown],
       max(waived_until), any_value(state_by), any_value(state_reason), min(service_day), max(service_day)
FROM quarantine
WHERE feed = $feed AND service_day >= $first AND service_day < $end AND state IN ('open', 'waived')
GROUP BY reason, field, state ORDER BY state, count(*) DESC, reason, field
