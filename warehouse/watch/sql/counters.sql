-- Steps of a counter on a day that are no counting, each device's in order of time. Names in braces are quoted columns.
WITH reading AS (
    SELECT {device} AS device, {at} AS seen_at, CAST({column} AS DOUBLE) AS now, service_day
    FROM {table} WHERE service_day BETWEEN $since AND $day AND {column} IS NOT NULL
), step AS (
    SELECT *, lag(now) OVER (PARTITION BY device ORDER BY seen_at) AS before FROM reading
), usual AS (
    SELECT device, max(now - before) AS most FROM step WHERE service_day < $day AND now > before GROUP BY device
)
SELECT
    CASE WHEN now >= before THEN 'counter_jump'
        -- the end of its digits: 99 per cent of a power of ten, then near zero
        WHEN now < 0.1 * before AND before >= 0.99 * pow(10, ceil(log10(before))) THEN 'counter_rollover'
        WHEN now < 0.1 * before THEN 'counter_reset'
        ELSE 'counter_backwards' END AS kind,
    s.device, seen_at, before, now
FROM step AS s LEFT JOIN usual AS u ON u.device = s.device
WHERE service_day = $day AND before > 0 AND (now < before OR now - before > 20 * u.most)
ORDER BY kind, s.device, seen_at
