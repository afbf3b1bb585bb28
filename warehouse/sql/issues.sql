-- What a department has to see to, one row per feed and kind, with the service days concerned. A delivery's trouble counts
-- from the day after the feed's last good one, as `cityhub status` counts it; findings and checks are those of the
-- newest day that was looked at, because a day that is right again ends what an earlier one began. Only a day that is
-- over does: a pushed feed has rows of $today already when yesterday is judged. $now is the moment.
WITH good AS (
    SELECT feed, max(service_day) AS last_day
    FROM delivery
    WHERE state IN ('loaded', 'checked', 'published', 'empty_confirmed') AND service_day < $today
    GROUP BY feed
), line AS (
    SELECT
        d.feed, d.service_day, d.state, d.error_code, d.error,
        CASE
            WHEN d.state = 'held' THEN 'held'
            WHEN d.state = 'failed' OR (d.error_code IS NOT NULL AND d.service_day = g.last_day) THEN 'delivery'
            WHEN d.state IN ('expected', 'landed') AND d.expected_by < $now::TIMESTAMPTZ THEN 'delivery'
        END AS kind
    FROM delivery AS d
    LEFT JOIN good AS g ON g.feed = d.feed
    WHERE g.last_day IS NULL OR d.service_day >= g.last_day
), seen AS (
    SELECT feed, max(service_day) AS last_day FROM delivery WHERE loads > 0 AND service_day < $today GROUP BY feed
), checked AS (
    SELECT feed, max(service_day) AS last_day FROM quality_result GROUP BY feed
), every AS (
    SELECT
        feed, kind, min(service_day) AS since_day, max(service_day) AS last_day, count(*) AS number,
        arg_max(state, service_day) AS what, arg_max(error_code, service_day) AS code, arg_max(error, service_day) AS said
    FROM line
    WHERE kind IS NOT NULL
    GROUP BY feed, kind
    UNION ALL
    SELECT feed, 'quarantine', min(service_day), max(service_day), count(*), mode(reason), NULL, NULL
    FROM quarantine
    WHERE state = 'open'
    GROUP BY feed
    UNION ALL
    SELECT
        f.feed, f.origin, min(f.service_day), max(f.service_day), count(*),
        string_agg(DISTINCT f.kind, ', ' ORDER BY f.kind), NULL, NULL
    FROM finding AS f
    LEFT JOIN seen AS s ON s.feed = f.feed
    WHERE f.state = 'open' AND f.severity <> 'info'
        AND f.kind NOT IN ('late', 'missing', 'below_min_rows') -- the ledger's own line is the issue
        AND (s.last_day IS NULL OR f.service_day >= s.last_day)
    GROUP BY f.feed, f.origin
    UNION ALL
    SELECT q.feed, 'checks', min(q.service_day), max(q.service_day), count(*),
        string_agg(DISTINCT q.check_kind || coalesce(':' || q.column_name, ''), ', '
            ORDER BY q.check_kind || coalesce(':' || q.column_name, '')), NULL, NULL
    FROM quality_result AS q
    INNER JOIN checked AS c ON c.feed = q.feed AND c.last_day = q.service_day
    WHERE NOT q.success AND q.severity <> 'critical' -- a critical one holds the day, which is an issue itself
    GROUP BY q.feed
)
SELECT feed, kind, since_day, last_day, number, what, code, said FROM every ORDER BY feed, kind
