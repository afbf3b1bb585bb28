-- What the feeds delivered in the month: the ledger without its error texts. A checked delivery is published by this
-- publication, whether an earlier one had it too or not: the same rows make the same file. An error stands where there
-- are no rows because of it; one of a later try, after the rows were loaded, is no matter of these rows.
SELECT feed, platform, service_day, CASE WHEN state = 'checked' THEN 'published' ELSE state END AS state, landed, loaded, duplicate, quarantined, late, flagged, load_id,
       content_sha256, spec_sha256, started_at, finished_at,
       CASE WHEN state NOT IN ('loaded', 'checked', 'published', 'empty_confirmed') THEN error_code END AS error_code
FROM delivery
WHERE service_day >= getvariable('month_first') AND service_day < getvariable('month_end')
ORDER BY feed, service_day
