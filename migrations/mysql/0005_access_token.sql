-- Access tokens. A token itself is shown once and stored nowhere; only its digest is.
--
-- Contract: a customer's token names the one user it speaks for; other roles name none.
-- Times are milliseconds since 1970, UTC, as integers.

CREATE TABLE IF NOT EXISTS access_token (
    id          BIGINT       NOT NULL AUTO_INCREMENT,
    token_id    VARCHAR(64)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    token_hash  BINARY(32)   NOT NULL,
    -- customer, service, admin
    role        VARCHAR(16)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    user_id     VARCHAR(32)  CHARACTER SET ascii COLLATE ascii_bin,
    label       TEXT,
    create_time BIGINT       NOT NULL,
    -- Lists tokens, newest first.
    PRIMARY KEY (id),
    -- Names a token to those who manage tokens. One id has one token.
    UNIQUE KEY uk_access_token_token_id (token_id),
    -- Finds the token that a request came with.
    UNIQUE KEY uk_access_token_token_hash (token_hash),
    -- Tells whether a role has another token.
    KEY idx_access_token_role (role)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
