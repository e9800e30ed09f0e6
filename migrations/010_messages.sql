-- Messages: what the members of a room say to all, for whoever comes later too.

-- A message's number in the stream is its id. Of a deleted one the text columns are NULL: the rest tells a
-- retry, and that its author has just said something.
CREATE TABLE party_messages (
    room_id       INTEGER NOT NULL,
    seq           BIGINT NOT NULL,
    member_id     INTEGER NOT NULL,
    -- The author's id and name as they were then.
    from_id       VARCHAR(36) /*! CHARACTER SET ascii COLLATE ascii_bin */ NULL,
    name          VARCHAR(50) NULL,
    type          VARCHAR(8) /*! CHARACTER SET ascii COLLATE ascii_bin */ NULL,
    content       MEDIUMTEXT NULL,
    client_msg_id VARCHAR(64) /*! CHARACTER SET ascii COLLATE ascii_bin */ NULL,
    created_at    BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL,
    PRIMARY KEY (room_id, seq),
    FOREIGN KEY (room_id) REFERENCES party_rooms (id) ON DELETE CASCADE
) /*! ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC */;

CREATE INDEX party_messages_author ON party_messages (member_id, seq);
CREATE INDEX party_messages_retry ON party_messages (member_id, client_msg_id);
CREATE INDEX party_messages_expiry ON party_messages (expires_at, room_id);

CREATE TABLE party_reactions (
    room_id   INTEGER NOT NULL,
    -- The message's.
    seq       BIGINT NOT NULL,
    member_id INTEGER NOT NULL,
    emoji     VARCHAR(10) /*! CHARACTER SET ascii COLLATE ascii_bin */ NOT NULL,
    -- The number of the reaction itself: they are shown in this order.
    since_seq BIGINT NOT NULL,
    PRIMARY KEY (room_id, seq, member_id, emoji),
    FOREIGN KEY (room_id) REFERENCES party_rooms (id) ON DELETE CASCADE
) /*! ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC */;
