-- What each feed delivered in the month: days by state, rows, refused rows by what became of them, the newest load and
-- where its bytes lie.
WITH newest AS (
    SELECT load_id, any_value(landing_folder) AS landing_folder FROM load_log GROUP BY load_id
),
refused AS (
    SELECT feed, count(*) FILTER (state = 'open') AS refused_open,
           count(*) FILTER (state = 'waived') AS refused_waived
    FROM quarantine
    WHERE service_day >= getvariable('month_first') AND service_day < getvariable('month_end')
    GROUP BY feed
)
SELECT d.feed, count(*) AS days,
       count(*) FILTER (WHERE d.state IN ('checked', 'published', 'loaded', 'empty_confirmed')) AS days_fine,
       string_agg(DISTINCT d.state, ', ' ORDER BY d.state) AS states,
       sum(d.loaded) AS loaded, sum(d.quarantined) AS quarantined,
       any_value(r.refused_open) AS refused_open, any_value(r.refused_waived) AS refused_waived,
       arg_max(d.load_id, d.service_day) AS load_id, arg_max(d.content_sha256, d.service_day) AS content_sha256,
       max(d.service_day) AS last_day,
       arg_max(n.landing_folder, d.service_day) AS landing_folder
FROM delivery AS d
LEFT JOIN newest AS n ON n.load_id = d.load_id
LEFT JOIN refused AS r ON r.feed = d.feed
WHERE d.service_day >= getvariable('month_first') AND d.service_day < getvariable('month_end')
GROUP BY d.feed
ORDER BY d.feed
