-- What sources write and what it means: the functions of which compiled mappings are made.
-- All take VARCHAR as received and give NULL for what they cannot read; the caller names the reason.
-- The first branch of each CASE is the usual form and cheap; the others run only for rows that need them.

-- Input methods leave full-width digits and letters in codes and numbers; Chinese punctuation stays.
CREATE OR REPLACE TEMP MACRO hub_narrow(x) AS translate(x,
    '０１２３４５６７８９ＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺａｂｃｄｅｆｇｈｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚ　' || chr(160) || chr(65279),
    '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz   ');

-- x < '!' is true for the empty text and for a leading space, tab or line feed.
CREATE OR REPLACE TEMP MACRO hub_text(x) AS CASE
    WHEN strlen(x) <> length(x) THEN trim(hub_narrow(x), ' ' || chr(9) || chr(10) || chr(13))
    WHEN x < '!' OR suffix(x, ' ') OR suffix(x, chr(9)) OR suffix(x, chr(10)) OR suffix(x, chr(13))
        THEN trim(x, ' ' || chr(9) || chr(10) || chr(13))
    ELSE x END;

-- Signs too: for numbers and times, where they have one meaning.
CREATE OR REPLACE TEMP MACRO hub_signs(x) AS translate(hub_text(x), '．－＋：／，−', '.-+:/,-');

CREATE OR REPLACE TEMP MACRO hub_finite(x) AS CASE WHEN isfinite(x) THEN x END;

-- A plain number as text. TRY_CAST alone also takes 1_000, nan, inf, 0x1F and rounds 1.5 to an integer.
CREATE OR REPLACE TEMP MACRO hub_number(x) AS CASE
    WHEN regexp_full_match(hub_signs(x), '[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?') THEN hub_signs(x) END;

-- 1.234,5 and 1 234,5: a point or space only between groups of three, else the number is not one.
CREATE OR REPLACE TEMP MACRO hub_number_comma(x) AS CASE
    WHEN regexp_full_match(hub_signs(x), '[+-]?(\d+|\d{1,3}((\.\d{3})+|( \d{3})+))(,\d*)?')
        THEN replace(translate(hub_signs(x), '. ', ''), ',', '.') END;

CREATE OR REPLACE TEMP MACRO hub_double(x) AS CASE
    WHEN isfinite(TRY_CAST(x AS DOUBLE)) AND NOT contains(x, '_') THEN TRY_CAST(x AS DOUBLE)
    ELSE hub_finite(TRY_CAST(hub_number(x) AS DOUBLE)) END;

-- A whole number, also written 3.0 or 1e3.
CREATE OR REPLACE TEMP MACRO hub_whole(x) AS CASE
    WHEN TRY_CAST(x AS DECIMAL(38, 9)) = trunc(TRY_CAST(x AS DECIMAL(38, 9)))
        THEN TRY_CAST(TRY_CAST(x AS DECIMAL(38, 9)) AS BIGINT) END;
CREATE OR REPLACE TEMP MACRO hub_integer(x) AS CASE
    WHEN regexp_full_match(x, '-?\d{1,18}') THEN CAST(x AS BIGINT)
    ELSE hub_whole(hub_number(x)) END;

-- Local time to an instant. Shanghai has had +08:00 alone since 1991: arithmetic, ten times cheaper than ICU.
CREATE OR REPLACE TEMP MACRO hub_instant(naive, zone) AS CASE
    WHEN zone = 'Asia/Shanghai' AND naive >= TIMESTAMP '1992-01-01' AND isfinite(naive)
        THEN make_timestamptz(epoch_us(naive) - 28800000000)
    ELSE timezone(zone, naive) END;

-- The local day of an instant.
CREATE OR REPLACE TEMP MACRO hub_day(instant) AS CASE
    WHEN instant >= TIMESTAMPTZ '1992-01-01 00:00:00+08:00'
        THEN CAST(make_timestamp(epoch_us(instant) + 28800000000) AS DATE)
    ELSE CAST(timezone('Asia/Shanghai', instant) AS DATE) END;

-- 2026年11月20日 8时30分 and 2026/11/20 in the form with hyphens.
CREATE OR REPLACE TEMP MACRO hub_hyphens(x) AS trim(translate(replace(hub_signs(x), '秒', ''), '年月日时点分/', '-- ::：-'), ' :：');

-- ISO 8601. A cast to TIMESTAMP drops an offset without a word, one to TIMESTAMPTZ depends on the session's
-- zone when there is none: so the form decides first. `infinity`, `epoch` and named zones are no times.
CREATE OR REPLACE TEMP MACRO hub_iso(x, zone) AS CASE
    WHEN zone = 'Asia/Shanghai' AND x LIKE '20__-__-_____:__:__' AND NOT suffix(x, 'Z')
        THEN make_timestamptz(epoch_us(TRY_CAST(x AS TIMESTAMP)) - 28800000000)
    WHEN regexp_full_match(x, '\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,9})?') THEN hub_instant(TRY_CAST(x AS TIMESTAMP), zone)
    WHEN regexp_full_match(replace(hub_hyphens(x), '：', ':'), '\d{4}-\d{1,2}-\d{1,2}[Tt ] ?\d{1,2}:\d\d(:\d\d([.]\d{1,9})?)?')
        THEN hub_instant(TRY_CAST(regexp_replace(replace(hub_hyphens(x), '：', ':'), '[Tt ] ?', ' ') AS TIMESTAMP), zone)
    WHEN regexp_full_match(hub_hyphens(x), '\d{4}-\d{1,2}-\d{1,2}') THEN hub_instant(TRY_CAST(hub_hyphens(x) AS TIMESTAMP), zone)
    WHEN regexp_full_match(hub_hyphens(x), '\d{4}-\d{1,2}-\d{1,2}[Tt ]\d{1,2}:\d\d(:\d\d([.]\d{1,9})?)? ?([Zz]|UTC|[+-]\d\d(:?\d\d)?)')
        THEN TRY_CAST(regexp_replace(regexp_replace(upper(hub_hyphens(x)), '[T ](\d{1,2}:\d\d)( ?(?:Z|UTC|[+-]))', ' \1:00\2'), ' ?(UTC|Z)$', '+00') AS TIMESTAMPTZ)
    END;

CREATE OR REPLACE TEMP MACRO hub_compact(x, zone) AS hub_instant(CASE length(hub_signs(x))
    WHEN 14 THEN try_strptime(hub_signs(x), '%Y%m%d%H%M%S')
    WHEN 17 THEN try_strptime(hub_signs(x), '%Y%m%d%H%M%S%g')
    WHEN 12 THEN try_strptime(hub_signs(x), '%Y%m%d%H%M')
    WHEN 10 THEN try_strptime(hub_signs(x), '%Y%m%d%H')
    WHEN 8 THEN try_strptime(hub_signs(x), '%Y%m%d') END, zone);

CREATE OR REPLACE TEMP MACRO hub_us(x, zone) AS hub_instant(coalesce(
    try_strptime(hub_signs(x), '%m/%d/%Y %I:%M:%S %p'), try_strptime(hub_signs(x), '%m/%d/%Y %H:%M:%S'),
    try_strptime(hub_signs(x), '%m/%d/%Y %I:%M %p'), try_strptime(hub_signs(x), '%m/%d/%Y %H:%M'),
    try_strptime(hub_signs(x), '%m/%d/%Y')), zone);

-- Microseconds since 1970 between 1980 and 2100: outside, the number has another unit or is no time.
CREATE OR REPLACE TEMP MACRO hub_epoch(us) AS CASE
    WHEN us BETWEEN 315532800000000 AND 4102444800000000 THEN make_timestamptz(CAST(us AS BIGINT)) END;
CREATE OR REPLACE TEMP MACRO hub_epoch_s(x) AS hub_epoch(TRY_CAST(hub_number(x) AS DECIMAL(28, 6)) * 1000000);
CREATE OR REPLACE TEMP MACRO hub_epoch_ms(x) AS hub_epoch(TRY_CAST(hub_number(x) AS DECIMAL(28, 6)) * 1000);

-- Days since 1899-12-30 with the time as fraction, to the millisecond; readers of workbooks may give ISO text.
CREATE OR REPLACE TEMP MACRO hub_excel(x, zone) AS CASE
    WHEN TRY_CAST(hub_number(x) AS DOUBLE) BETWEEN 1 AND 73050
        THEN hub_instant(make_timestamp(CAST(round((TRY_CAST(hub_number(x) AS DOUBLE) - 25569) * 86400000) AS BIGINT) * 1000), zone)
    ELSE hub_iso(x, zone) END;

-- A date alone; anything longer is read as a time and gives its local day.
CREATE OR REPLACE TEMP MACRO hub_date(x, zone) AS CASE
    WHEN regexp_full_match(x, '\d{4}-\d\d-\d\d') THEN TRY_CAST(x AS DATE) ELSE hub_day(hub_iso(x, zone)) END;

-- Keyed one-way hash: the same person is the same text in every feed, and nobody without the key can guess it.
CREATE OR REPLACE TEMP MACRO hub_hash(x) AS
    sha256(getvariable('cityhub_personal_key') || sha256(getvariable('cityhub_personal_key') || x));
CREATE OR REPLACE TEMP MACRO hub_mask(x) AS CASE
    WHEN length(x) >= 8 THEN left(x, 3) || '****' || right(x, 2) WHEN x IS NOT NULL THEN left(x, 1) || '****' END;
