-- What each device of a feed should have sent on a day and did not. A device is known when it sent anything in the week
-- before, so that one that is silent all day is seen. Between two messages n intervals apart n - 1 are missing; rounding
-- forgives devices whose clock is not ours. Names in braces are quoted columns of the spec.
WITH known AS (
    SELECT {device}, max({at}) AS last_seen
    FROM {table}
    WHERE service_day BETWEEN $since AND $day AND {at} < $until::TIMESTAMPTZ
    GROUP BY ALL
), came AS (
    SELECT DISTINCT {device}, {at} AS sent_at
    FROM {table}
    WHERE service_day = $day AND {at} >= $start::TIMESTAMPTZ AND {at} < $until::TIMESTAMPTZ
), steps AS (
    SELECT *, lag(sent_at) OVER (PARTITION BY {device} ORDER BY sent_at) AS sent_before FROM came
    UNION ALL BY NAME
    -- from the last one, or the day's beginning, to its end
    SELECT {device}, $until::TIMESTAMPTZ AS sent_at, (SELECT max(sent_at) FROM came WHERE {same}) AS sent_before FROM known
), gaps AS (
    SELECT
        {device}, sent_at, coalesce(sent_before, $start::TIMESTAMPTZ) AS begins,
        epoch(sent_at) - epoch(coalesce(sent_before, $start::TIMESTAMPTZ)) AS seconds,
        -- a day's first and last message may stand anywhere in their interval
        greatest(
            CASE WHEN sent_before IS NULL OR sent_at = $until::TIMESTAMPTZ THEN floor(seconds / $interval)
            ELSE round(seconds / $interval) - 1 END, 0
        )::BIGINT AS missing
    FROM steps
)
SELECT
    {device}, count(*) - 1 AS came, sum(missing)::BIGINT AS missing, max(seconds) AS longest_s,
    arg_max(begins, seconds) AS longest_from, any_value(last_seen) AS last_seen
FROM gaps JOIN known USING ({device})
GROUP BY {device}
ORDER BY missing DESC, {device}
