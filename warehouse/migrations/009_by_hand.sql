-- What came into the ledger by a person: a file uploaded in place of the platform's delivery, or the word that a day
-- really had no rows. NULL: the platform's own delivery. A delivery that comes later takes the mark away.
ALTER TABLE delivery ADD COLUMN manual VARCHAR;             -- upload | empty
ALTER TABLE delivery ADD COLUMN manual_by VARCHAR;
ALTER TABLE delivery ADD COLUMN manual_why VARCHAR;
