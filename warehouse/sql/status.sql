-- Every delivery of one day, with what its feed has behind it: when rows last came, and since when it has been
-- without, counted from the first day after its last good one. getvariable('day') is the service day.
WITH good AS (
    SELECT feed, max(service_day) AS last_day, max(finished_at) AS last_data
    FROM delivery
    WHERE state IN ('loaded', 'checked', 'published', 'empty_confirmed') AND service_day <= getvariable('day')
    GROUP BY feed
), without AS (
    SELECT d.feed, min(d.since) AS since, count(*) AS days
    FROM delivery AS d
    LEFT JOIN good AS g ON g.feed = d.feed
    WHERE d.service_day <= getvariable('day') AND (g.last_day IS NULL OR d.service_day > g.last_day)
    GROUP BY d.feed
), noticed AS (
    SELECT
        feed, count(*) FILTER (severity = 'critical') AS critical, count(*) FILTER (severity = 'warning') AS warning,
        count(*) FILTER (severity = 'info') AS info
    FROM finding
    WHERE service_day = getvariable('day') AND state = 'open'
    GROUP BY feed
)
SELECT
    d.feed, d.platform, d.service_day, d.state, d.landed, d.loaded, d.quarantined, d.expected_by, d.finished_at,
    d.error_code, d.error, d.whose_move, d.since, d.findings, g.last_day, g.last_data,
    coalesce(w.since, d.since) AS without_since, coalesce(w.days, 0) AS days_without,
    d.manual, d.manual_by, d.manual_why,
    coalesce(n.critical, 0) AS critical, coalesce(n.warning, 0) AS warning, coalesce(n.info, 0) AS info
FROM delivery AS d
LEFT JOIN good AS g ON g.feed = d.feed
LEFT JOIN without AS w ON w.feed = d.feed
LEFT JOIN noticed AS n ON n.feed = d.feed
WHERE d.service_day = getvariable('day')
ORDER BY d.platform, d.feed
