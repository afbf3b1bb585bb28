-- Units that were assessed in the month, and the county itself: valid on at least one of its days.
SELECT unit_code, name_zh, kind, league, sort
FROM unit
WHERE (valid_from IS NULL OR valid_from < getvariable('month_end'))
  AND (valid_to IS NULL OR valid_to > getvariable('month_first'))
ORDER BY league, sort, unit_code
