-- How many sites there are of each kind, the box around those that have a place, and the span of their newest values.
SELECT kind,
       count(*) AS sites,
       min(lon) FILTER (WHERE lat IS NOT NULL) AS west,
       min(lat) FILTER (WHERE lon IS NOT NULL) AS south,
       max(lon) FILTER (WHERE lat IS NOT NULL) AS east,
       max(lat) FILTER (WHERE lon IS NOT NULL) AS north,
       {first} AS first,
       {last} AS last
FROM {{rows}}
GROUP BY kind
ORDER BY kind
