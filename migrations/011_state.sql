-- Shared state: keys of a room, and of its members, whose last value counts.

-- A key that went stays without a value, so that whoever has seen it learns that. The row without a key has the
-- number up to which such rows have been forgotten.
CREATE TABLE party_state (
    room_id    INTEGER NOT NULL,
    -- Whose key it is; 0: the room's.
    member_id  INTEGER NOT NULL,
    name       VARCHAR(64) /*! CHARACTER SET ascii COLLATE ascii_bin */ NOT NULL,
    -- The number of the room's stream under which it became what it is.
    seq        BIGINT NOT NULL,
    value      MEDIUMTEXT NULL,
    bytes      INTEGER NOT NULL,
    -- all, players, host, or the rows of members as JSON.
    visible_to MEDIUMTEXT NOT NULL,
    -- Who saw it and does not any more: the number with which that ended, by the member's row; as JSON.
    lost       MEDIUMTEXT NULL,
    expires_at BIGINT NULL,
    PRIMARY KEY (room_id, member_id, name),
    FOREIGN KEY (room_id) REFERENCES party_rooms (id) ON DELETE CASCADE
) /*! ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC */;

CREATE INDEX party_state_stream ON party_state (room_id, seq);
CREATE INDEX party_state_expiry ON party_state (room_id, expires_at);
