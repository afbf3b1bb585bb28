-- A case that nobody has seen is open, unless the table has its key from a newer delivery: then it came late and is
-- fixed already (`hub_outdated`).
INSERT INTO quarantine (id, feed, service_day, load_id, place, natural_key, reason, field, value, raw, state, owner,
    spec_sha256, seen_at, state_at, state_by, row_key, last_load_id, last_place)
SELECT n.id, $feed, $day::DATE, $load_id, n.place, n.natural_key, n.reason, n.field, n.value, n.raw,
    CASE WHEN o.id IS NULL THEN 'open' ELSE 'fixed' END, $owner, $spec_sha256, $seen_at,
    CASE WHEN o.id IS NOT NULL THEN $seen_at END, o.load_id, n.row_key, $load_id, n.place
FROM temp.hub_refused AS n LEFT JOIN temp.hub_outdated AS o ON o.id = n.id
WHERE n.nth = 1 AND n.id NOT IN (SELECT id FROM quarantine WHERE feed = $feed);
