-- The sites, each with the moment and state of its newest value; both empty where nothing is measured.
SELECT s.kind, s.site, s.name, s.unit, s.lon, s.lat, s.operation, v.observed_at, v.state
FROM hub_place AS s
LEFT JOIN (
    SELECT kind, site, max(observed_at) AS observed_at,
           coalesce(max_by(state, observed_at), 'missing') AS state
    FROM (SELECT kind, site, observed_at, max(state) AS state FROM hub_last_value GROUP BY ALL)
    GROUP BY kind, site
) AS v ON v.kind = s.kind AND v.site = s.site
