-- The rows of a publication beside the extract before of the same period: a row with the same content stays as it stood
-- there. A correction marks only what it changed; otherwise another status is another row. What stands in braces are lists of
-- columns that extracts/write.py fills in from datasets.yaml.
WITH beside AS (
    SELECT f.*, b.revision IS NOT NULL AS known,
           b.revision IS NOT NULL AND {same} AND (getvariable('status') = 'correction' OR b.status = getvariable('status')) AS same,
           b.status AS b_status, b.revision AS b_revision, b.supersedes AS b_supersedes,
           b.source_as_of AS b_source_as_of, b.published_at AS b_published_at
    FROM fresh AS f
    LEFT JOIN before AS b ON {join}
)
SELECT {own},
       CASE WHEN same THEN b_status ELSE getvariable('status') END AS status,
       CASE WHEN same THEN b_revision ELSE CAST(getvariable('sequence') AS BIGINT) END AS revision,
       CASE WHEN same THEN b_supersedes WHEN known THEN b_revision END AS supersedes,
       CASE WHEN same THEN b_source_as_of ELSE CAST(getvariable('source_as_of') AS DATE) END AS source_as_of,
       CASE WHEN same THEN b_published_at ELSE CAST(getvariable('published_at') AS TIMESTAMPTZ) END AS published_at
FROM beside
ORDER BY {key}
