-- Refused rows of the staged delivery, one line each: the first reason as reason, field and value; where a row
-- has several, all of them stand in `raw` under `_reasons`. The id knows neither day nor load, so that the
-- same bad row is one case however often it is delivered. `nth` counts equal rows of one delivery through: those after the
-- first repeat it, as good rows do whose key stands twice.
CREATE OR REPLACE TEMP TABLE hub_refused AS
WITH first_row AS (
    SELECT __part, min(rowid) AS first FROM temp.hub_stage GROUP BY __part
),
refused AS (
    SELECT s.r, s.__part AS part, coalesce(s.__place, CAST(s.r - f.first + 1 AS VARCHAR)) AS place,
        CAST(s.__bad AS JSON) AS bad, s.row_key, s.version, s.day
    FROM temp.hub_bad AS s INNER JOIN first_row AS f ON f.__part = s.__part
),
flat AS (
    SELECT r, part, place, bad ->> '$.key' AS natural_key,
        bad ->> '$.why[0].reason' AS reason, bad ->> '$.why[0].field' AS field, bad ->> '$.why[0].value' AS value,
        CAST(CASE WHEN json_array_length(bad -> '$.why') > 1
            THEN json_merge_patch(bad -> '$.row', json_object('_reasons', bad -> '$.why'))
            ELSE bad -> '$.row' END AS VARCHAR) AS raw,
        row_key, version, day
    FROM refused
    UNION ALL
    SELECT r, part, place, NULL, reason, NULL, NULL, raw, NULL, NULL, NULL FROM temp.hub_reject
),
counted AS (
    SELECT *, row_number() OVER (PARTITION BY reason, field, raw ORDER BY r) AS nth FROM flat
)
SELECT sha256(concat_ws(chr(31), $feed, reason, coalesce(field, ''), raw, nth)) AS id,
    list_extract($files::VARCHAR[], part + 1) || ':' || place AS place,
    natural_key, reason, field, value, raw, row_key, version, day, nth
FROM counted;
