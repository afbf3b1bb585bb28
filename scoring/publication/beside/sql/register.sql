-- The newest row of each site in its register. What stands in braces is filled in by sites.py from sites.yaml.
SELECT {kind} AS kind, CAST({id} AS VARCHAR) AS site, CAST({name} AS VARCHAR) AS name, unit_code AS unit,
       CAST({lon} AS DOUBLE) AS lon, CAST({lat} AS DOUBLE) AS lat, CAST({operation} AS VARCHAR) AS operation
FROM {table}
WHERE service_day <= getvariable('last_day') AND {id} IS NOT NULL AND ({where})
QUALIFY row_number() OVER (PARTITION BY {id} ORDER BY service_day DESC, _version DESC, _received_at DESC) = 1
