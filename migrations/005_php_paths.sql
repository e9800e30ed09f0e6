-- The paths of the PHP backend that this service replaces.

-- The rooms that are to be seen there: those that were made there, and those whose host allows it.
CREATE TABLE party_php_rooms (
    room_id INTEGER PRIMARY KEY,
    FOREIGN KEY (room_id) REFERENCES party_rooms (id) ON DELETE CASCADE
) /*! ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC */;

-- Signals between participants without a token, or between nobody in particular: neither the code nor
-- the ids need to exist. A row goes when it is read or expires.
CREATE TABLE party_php_signals (
    id            INTEGER PRIMARY KEY AUTO_INCREMENT,
    code          CHAR(6) /*! CHARACTER SET ascii COLLATE ascii_bin */ NOT NULL,
    to_id         VARCHAR(36) /*! CHARACTER SET ascii COLLATE ascii_bin */ NOT NULL,
    from_id       VARCHAR(36) /*! CHARACTER SET ascii COLLATE ascii_bin */ NOT NULL,
    type          VARCHAR(6) /*! CHARACTER SET ascii COLLATE ascii_bin */ NOT NULL,
    payload       MEDIUMTEXT NOT NULL,
    payload_bytes INTEGER NOT NULL,
    -- A keyed hash of the address that sent it, which may have only so much waiting.
    address_hash  CHAR(64) /*! CHARACTER SET ascii COLLATE ascii_bin */ NOT NULL,
    created_at    BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL
) /*! ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC */;

CREATE INDEX party_php_signals_mailbox ON party_php_signals (code, to_id, payload_bytes);
CREATE INDEX party_php_signals_address ON party_php_signals (address_hash, expires_at, payload_bytes);
CREATE INDEX party_php_signals_expiry ON party_php_signals (expires_at);
