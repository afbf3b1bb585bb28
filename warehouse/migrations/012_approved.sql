-- Who made a month final, and who corrected one; empty for provisional publications and for those of before.
ALTER TABLE publication ADD COLUMN approved_by VARCHAR;
ALTER TABLE publication ADD COLUMN corrected_by VARCHAR;
