-- Checks of a feed that did not pass on these service days.
SELECT service_day, check_id, check_kind, column_name, severity, observed, expected, unexpected_count, element_count,
       detail, errored
FROM quality_result
WHERE feed = $feed AND service_day >= $first AND service_day < $end AND NOT success
ORDER BY service_day, severity, check_id
