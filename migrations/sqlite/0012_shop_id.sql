-- Which shop this database is, told apart from every other: what is shared beside it (a ledger) is bound to it.
--
-- Contract: one row, written by the first start; the id is random and never changes. A copy of the database is the same
-- shop. Times are milliseconds since 1970.

CREATE TABLE shop_identity (
    id          INTEGER PRIMARY KEY,
    shop_id     TEXT    NOT NULL,
    create_time INTEGER NOT NULL,
    CONSTRAINT there_is_one_identity CHECK (id = 1)
);
