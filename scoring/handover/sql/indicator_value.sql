-- Values of the period; with a month those of its days. What is no assessed unit has its kind before the colon.
SELECT v.code, v.unit_code,
       coalesce(u.name_zh, substr(v.unit_code, strpos(v.unit_code, ':') + 1)) AS unit_name,
       coalesce(u.kind, CASE WHEN strpos(v.unit_code, ':') > 0 THEN split_part(v.unit_code, ':', 1) ELSE 'other' END)
           AS unit_type,
       v.period_kind, v.period, v.numerator, v.denominator, v.value, v.n_expected, v.n_valid, v.coverage, v.state,
       v.reason, v.as_of, v.definition_sha256
FROM source_indicator_value AS v
LEFT JOIN source_unit AS u ON u.unit_code = v.unit_code
WHERE (v.period_kind = getvariable('kind') AND v.period = getvariable('period'))
   OR (getvariable('kind') = 'month' AND v.period_kind = 'day' AND starts_with(v.period, getvariable('period') || '-'))
ORDER BY v.code, v.unit_code, v.period_kind, v.period
