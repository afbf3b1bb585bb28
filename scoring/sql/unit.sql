-- Units valid in the month.
SELECT unit_code, name_zh, name_en, kind, league, sort, source, confidence, valid_from, valid_to
FROM unit
WHERE (valid_from IS NULL OR valid_from < getvariable('month_end'))
  AND (valid_to IS NULL OR valid_to > getvariable('month_first'))
ORDER BY sort, unit_code
