-- What a month brought of each feed: days by outcome, rows by outcome. $first and $next bound the month, $now is the
-- moment: a day that is not due yet is no fault of anybody.
SELECT
    feed,
    count(*) FILTER (state <> 'expected' OR expected_by < $now::TIMESTAMPTZ) AS due,
    count(*) FILTER (state IN ('loaded', 'checked', 'published', 'empty_confirmed') AND finished_at <= expected_by) AS in_time,
    count(*) FILTER (state IN ('loaded', 'checked', 'published', 'empty_confirmed') AND finished_at > expected_by) AS late,
    count(*) FILTER (state = 'held') AS held,
    count(*) FILTER (state = 'failed') AS failed,
    count(*) FILTER (state IN ('expected', 'landed') AND expected_by < $now::TIMESTAMPTZ) AS missing,
    sum(landed)::BIGINT AS landed,
    sum(loaded)::BIGINT AS loaded,
    sum(duplicate)::BIGINT AS duplicate,
    sum(quarantined)::BIGINT AS quarantined,
    sum(late)::BIGINT AS late_rows
FROM delivery
WHERE service_day >= $first AND service_day < $next
GROUP BY feed
ORDER BY feed
