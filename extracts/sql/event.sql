-- Free notes stay in the county: nobody has looked through them for names.
SELECT getvariable('month') AS period, coalesce(event_id, '') AS event_id, coalesce(rule, '') AS rule,
       coalesce(level, '') AS level, unit, count, decided_on, reported_on, occurred_on, evidence
FROM input_event
