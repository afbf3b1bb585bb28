-- Rows of the day that were refused because of the time that they say: by the columns that order a feed's rows.
SELECT feed, field, reason, count(*) AS refused, min(natural_key) AS example
FROM quarantine
WHERE service_day = $day AND reason IN ('future_time', 'out_of_range') AND state = 'open'
GROUP BY feed, field, reason
ORDER BY feed, field, reason
