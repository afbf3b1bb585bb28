-- One scan of a feed's day, a row a device. Names in braces are lists of columns that warehouse/watch/scan.py writes.
CREATE OR REPLACE TEMP TABLE watch_device AS
WITH reading AS (
    SELECT hash({device}) AS d{at}{columns}
    FROM {table}
    WHERE service_day = $day
), step AS (
    SELECT *{before}
    FROM reading
    {window}
)
SELECT d, count(*) AS n{when}{counts}
FROM step
GROUP BY d
