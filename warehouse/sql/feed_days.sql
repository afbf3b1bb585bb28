-- One feed day by day, newest first, with the open findings about each day.
WITH noticed AS (
    SELECT
        service_day, count(*) FILTER (severity = 'critical') AS critical,
        count(*) FILTER (severity = 'warning') AS warning, count(*) FILTER (severity = 'info') AS info
    FROM finding
    WHERE feed = getvariable('feed') AND state = 'open'
    GROUP BY service_day
)
SELECT
    d.service_day, d.state, d.landed, d.loaded, d.duplicate, d.quarantined, d.late, d.expected_by, d.finished_at,
    d.error_code, d.error, d.whose_move, d.manual, d.manual_by, d.manual_why,
    coalesce(n.critical, 0), coalesce(n.warning, 0), coalesce(n.info, 0)
FROM delivery AS d
LEFT JOIN noticed AS n ON n.service_day = d.service_day
WHERE d.feed = getvariable('feed') AND d.service_day > getvariable('since') AND d.service_day <= getvariable('day')
ORDER BY d.service_day DESC
