-- Moving windows of the rate limits: the times of the hits that still count, under a keyed hash of
-- who made them, and how many were refused since the row was made.
CREATE TABLE party_rate_limits (
    key_hash   CHAR(64) /*! CHARACTER SET ascii COLLATE ascii_bin */ PRIMARY KEY,
    hits       MEDIUMTEXT NOT NULL,
    refused    INTEGER NOT NULL DEFAULT 0,
    expires_at BIGINT NOT NULL
) /*! ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC */;

CREATE INDEX party_rate_limits_expiry ON party_rate_limits (expires_at);
