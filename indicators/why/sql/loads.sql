-- The deliveries of these service days and where their bytes lie, newest first.
SELECT DISTINCT load_id, landing_folder, content_sha256 FROM load_log
WHERE feed = $feed AND service_day >= $first AND service_day < $end ORDER BY load_id DESC
