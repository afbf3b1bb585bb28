-- Who owns which platform: a department answers for the county's indicators of its platforms.
SELECT platform, name_zh, owner_unit FROM platform ORDER BY platform
