-- All values of the month and of its days. The code of the reason follows from what was counted, not from words.
SELECT v.period, v.code, v.unit_code AS unit, v.period_kind, v.numerator, v.denominator, v.value, v.n_expected, v.n_valid,
       v.coverage AS completeness, v.state,
       CASE
           WHEN v.state = 'ok' THEN NULL
           WHEN v.state = 'missing' THEN 'not_delivered'
           WHEN v.state = 'no_denominator' THEN 'no_denominator'
           WHEN v.n_valid < i.min_coverage * v.n_expected THEN 'low_coverage'
           ELSE 'source_incomplete'
       END AS reason_code,
       v.reason, v.quarantined, v.definition_sha256
FROM indicator_value AS v
LEFT JOIN indicator AS i ON i.code = v.code
