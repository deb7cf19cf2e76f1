-- Where the readiness check proves, after a write has failed, that writing works again.
--
-- Contract: empty whenever no transaction is open. The check fills it and empties it in one transaction.

CREATE TABLE store_probe (
    id     INTEGER PRIMARY KEY,
    filler BLOB NOT NULL
);
