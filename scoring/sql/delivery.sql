-- What the feeds delivered in the month: the ledger without its error texts. A checked delivery is published by this
-- publication, whether an earlier one had it too or not: the same rows make the same file.
SELECT feed, platform, service_day, CASE WHEN state = 'checked' THEN 'published' ELSE state END AS state, landed, loaded, duplicate, quarantined, late, flagged, load_id,
       content_sha256, spec_sha256, started_at, finished_at, error_code
FROM delivery
WHERE service_day >= getvariable('month_first') AND service_day < getvariable('month_end')
ORDER BY feed, service_day
