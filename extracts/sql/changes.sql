-- The difference of two extracts of a month. A row that stayed has the revision that it had, so only revisions are
-- compared. What stands in braces are lists of columns and files that extracts/records.py fills in.
WITH new_rows AS ({new}), old_rows AS ({old}),
differing AS (
    SELECT CASE WHEN o.revision IS NULL THEN 'insert' WHEN n.revision IS NULL THEN 'delete' ELSE 'revise' END AS op,
           {columns}
    FROM new_rows AS n
    FULL JOIN old_rows AS o ON {join}
    WHERE n.revision IS DISTINCT FROM o.revision
    ORDER BY {key}
    LIMIT {limit}
)
SELECT op, {plain} FROM differing ORDER BY {key}
