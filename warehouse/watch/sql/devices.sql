-- One scan of a feed's day: for each device its readings, when the first and last came, in which hours, and for each
-- watched column how often a reading equals the one before (zeros aside: a thing at rest says zero again and again).
-- Names in braces are quoted columns of the spec; numbers are narrowed, since only their being equal counts.
CREATE OR REPLACE TEMP TABLE watch_device AS
WITH reading AS (
    SELECT hash({device}) AS d, epoch_us({at}) AS at_us{columns}
    FROM {table}
    WHERE service_day = $day
), step AS (
    SELECT *{before}
    FROM reading
    WINDOW w AS (PARTITION BY d ORDER BY at_us)
)
SELECT
    d, count(*) AS n, min(at_us) AS first_us, max(at_us) AS last_us,
    bit_or(1 << (((at_us // 1000000 + 28800) // 3600) % 24)::INTEGER) AS hours{counts}
FROM step
GROUP BY d
