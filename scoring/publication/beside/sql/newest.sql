-- The newest usable value of each property at each site, in one reading of the rows. A moment that lies after the last
-- service day is no moment of it. Of two rows of one moment the larger value counts, whatever their order.
SELECT {kind} AS kind, site, found.property AS property, found.newest AS newest
FROM (
    SELECT CAST({id} AS VARCHAR) AS site, unnest([{values}]) AS found
    FROM {table}
    WHERE service_day > getvariable('last_day') - {days} AND service_day <= getvariable('last_day')
      AND CAST({at} AS TIMESTAMPTZ) < CAST(getvariable('last_day') + 1 AS TIMESTAMPTZ) AND {id} IS NOT NULL
      AND ({usable})
    GROUP BY {id}
)
