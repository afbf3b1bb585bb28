-- What the ledger knows of one day and of the days before it, for all feeds in one reading.
SELECT
    d.feed, d.service_day, d.state, d.landed, d.loaded, d.content_sha256, d.error_code, d.error,
    d.expected_by, d.since, d.manual, coalesce(c.working, isodow(d.service_day) < 6) AS working
FROM delivery AS d
LEFT JOIN calendar_day AS c ON c.day = d.service_day
WHERE d.service_day BETWEEN $since AND $day
ORDER BY d.feed, d.service_day DESC
