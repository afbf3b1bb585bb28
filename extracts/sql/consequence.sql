SELECT period, scheme, league, unit_code AS unit, rule, unit_name, kind, action, acts, clause, money_yuan, note, state
FROM consequence
