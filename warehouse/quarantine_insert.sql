INSERT INTO quarantine (id, feed, service_day, load_id, place, natural_key, reason, field, value, raw, state, owner,
    spec_sha256, seen_at)
SELECT id, $feed, $day::DATE, $load_id, place, natural_key, reason, field, value, raw, 'open', $owner,
    $spec_sha256, $seen_at
FROM temp.hub_refused
WHERE id NOT IN (SELECT id FROM quarantine WHERE feed = $feed);
