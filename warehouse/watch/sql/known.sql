-- The devices of the week before: on how many days each was heard, and how many readings it sends on such a day.
CREATE OR REPLACE TEMP TABLE watch_known AS
SELECT d, count(*) AS days, median(n) AS usual, max(last_at) AS last_at
FROM (
    SELECT hash({device}) AS d, service_day, count(*) AS n, max({at}) AS last_at
    FROM {table}
    WHERE service_day BETWEEN $since AND $until
    GROUP BY ALL
)
GROUP BY d
