-- Sites that no register lists: whatever sent a reading in the month, or in the days that are looked at.
SELECT {kind} AS kind, CAST({id} AS VARCHAR) AS site, CAST(NULL AS VARCHAR) AS name,
       max(struct_pack(day := service_day, unit := unit_code)) FILTER (WHERE unit_code IS NOT NULL).unit AS unit,
       CAST(NULL AS DOUBLE) AS lon, CAST(NULL AS DOUBLE) AS lat, CAST(NULL AS VARCHAR) AS operation
FROM {table}
WHERE service_day > least(getvariable('month_first') - 1, getvariable('last_day') - {days})
  AND service_day <= getvariable('last_day') AND {id} IS NOT NULL
GROUP BY {id}
