-- The longest run of equal readings of one column for the devices that may have one: rows numbered by change.
WITH reading AS (
    SELECT hash({device}) AS d, {at} AS happened, {column} AS v, lag({column}) OVER (PARTITION BY {device} ORDER BY {at}) AS before
    FROM {table}
    WHERE service_day = $day AND {column} IS NOT NULL AND hash({device}) IN (SELECT d FROM watch_device WHERE {suspect})
), numbered AS (
    SELECT *, sum(CASE WHEN v IS DISTINCT FROM before THEN 1 ELSE 0 END)
        OVER (PARTITION BY d ORDER BY happened ROWS UNBOUNDED PRECEDING) AS run
    FROM reading
), run AS (
    SELECT d, any_value(v) AS v, count(*) AS n, min(happened) AS since, max(happened) AS until
    FROM numbered
    GROUP BY d, run
)
SELECT d, n AS longest, v::VARCHAR AS value, since, until
FROM run
WHERE v <> 0
QUALIFY row_number() OVER (PARTITION BY d ORDER BY n DESC, since) = 1
