-- Access tokens. A token itself is shown once and stored nowhere; only its digest is.
--
-- Contract: a customer's token names the one user it speaks for; other roles name none.
-- Times are milliseconds since 1970.

CREATE TABLE access_token (
    id          INTEGER PRIMARY KEY,
    token_id    TEXT    NOT NULL,
    token_hash  BLOB    NOT NULL,
    -- customer, service, admin
    role        TEXT    NOT NULL,
    user_id     TEXT,
    label       TEXT,
    create_time INTEGER NOT NULL
);

-- Names a token to those who manage tokens. One id has one token.
CREATE UNIQUE INDEX uk_access_token_token_id ON access_token (token_id);

-- Finds the token that a request came with.
CREATE UNIQUE INDEX uk_access_token_token_hash ON access_token (token_hash);
