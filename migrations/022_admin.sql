-- Addresses that an admin keeps out for a time, as keyed hashes.
CREATE TABLE party_banned_addresses (
    address_hash CHAR(64) /*! CHARACTER SET ascii COLLATE ascii_bin */ PRIMARY KEY,
    until_at     BIGINT NOT NULL
) /*! ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC */;

CREATE INDEX party_banned_addresses_end ON party_banned_addresses (until_at);
