-- What follows from the ranking, as the traces state it: provisional as long as the ranking is.
SELECT r.scheme, r.league, r.period, r.unit_code, r.unit_name, c.rule, c.kind,
       array_to_string(c.action, '；') AS action, c."by" AS acts, c.clause,
       CAST(c.money_yuan AS DECIMAL(18, 2)) AS money_yuan, c.note, r.state
FROM ranking AS r,
     unnest(from_json(json_extract(r.trace, '$.consequences'),
        '[{"rule": "VARCHAR", "kind": "VARCHAR", "action": ["VARCHAR"], "by": "VARCHAR", "clause": "VARCHAR",
           "money_yuan": "VARCHAR", "note": "VARCHAR"}]')) AS u (c)
WHERE r.period = getvariable('month')
ORDER BY r.scheme, r.league, r.unit_code, c.rule
