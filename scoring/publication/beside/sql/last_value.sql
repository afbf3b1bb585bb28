-- Every property of every site: its newest value, or that there is none.
SELECT s.kind, s.site, p.property, s.unit, n.newest.value AS value, n.newest.observed_at AS observed_at,
       CASE
           WHEN n.newest IS NULL THEN 'missing'
           WHEN n.newest.observed_at < CAST(getvariable('last_day') + 1 AS TIMESTAMPTZ) - to_hours(p.fresh_hours) THEN 'late'
           WHEN n.newest.estimated THEN 'estimated'
           ELSE 'fresh'
       END AS state
FROM hub_place AS s
JOIN hub_property AS p USING (kind)
LEFT JOIN hub_newest AS n ON n.kind = s.kind AND n.site = s.site AND n.property = p.property
