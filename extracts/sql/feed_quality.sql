-- The month's ledger without moments and load numbers: a day that came again with the same content is no change.
SELECT getvariable('month') AS period, feed, service_day, platform, state, landed, loaded, duplicate, quarantined, late,
       flagged, content_sha256, error_code
FROM delivery
