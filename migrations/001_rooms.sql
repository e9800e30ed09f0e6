-- Rooms, their members, and the ordered stream of signals and events.
--
-- Plain MySQL that SQLite reads too: what only MySQL understands stands in /*! ... */, which is a
-- comment elsewhere, and AUTO_INCREMENT is the one word that is replaced. Times are milliseconds
-- since the epoch in UTC. Ids, codes and hashes compare byte by byte.

CREATE TABLE party_rooms (
    id                   INTEGER PRIMARY KEY AUTO_INCREMENT,
    code                 CHAR(6) /*! CHARACTER SET ascii COLLATE ascii_bin */ NOT NULL,
    status               VARCHAR(8) /*! CHARACTER SET ascii COLLATE ascii_bin */ NOT NULL,
    host_id              VARCHAR(36) /*! CHARACTER SET ascii COLLATE ascii_bin */ NOT NULL,
    password_hash        VARCHAR(255) /*! CHARACTER SET ascii COLLATE ascii_bin */ NULL,
    max_participants     INTEGER NOT NULL,
    -- The room's counter; every signal and event takes the next number under this row's lock.
    seq                  BIGINT NOT NULL DEFAULT 0,
    -- The number of the last change of membership or status.
    members_seq          BIGINT NOT NULL DEFAULT 0,
    -- The last join, rejoin or signal: while it is recent, connections are being made.
    negotiated_at        BIGINT NOT NULL,
    -- When a number of the room was last taken: finds the rooms that moved among very many.
    moved_at             BIGINT NOT NULL DEFAULT 0,
    -- A database may lose its last commits, in a crash or a failover. So the first number that a room takes
    -- in another incarnation of it leaves out those that may have been given before: the ones after
    -- `skipped_after`, and `skipped` in all.
    incarnation          BIGINT NOT NULL DEFAULT 0,
    skipped_after        BIGINT NULL,
    skipped              BIGINT NOT NULL DEFAULT 0,
    -- Nothing happens in this room by itself before this: its end, a signal's expiry.
    due_at               BIGINT NULL,
    created_at           BIGINT NOT NULL,
    started_at           BIGINT NULL,
    ended_at             BIGINT NULL,
    expires_at           BIGINT NOT NULL
) /*! ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC */;

CREATE UNIQUE INDEX party_rooms_code ON party_rooms (code);
CREATE INDEX party_rooms_end ON party_rooms (ended_at);
CREATE INDEX party_rooms_due ON party_rooms (due_at);
CREATE INDEX party_rooms_movement ON party_rooms (moved_at);

CREATE TABLE party_participants (
    id                  INTEGER PRIMARY KEY AUTO_INCREMENT,
    room_id             INTEGER NOT NULL,
    participant_id      VARCHAR(36) /*! CHARACTER SET ascii COLLATE ascii_bin */ NOT NULL,
    name                VARCHAR(50) NOT NULL,
    role                VARCHAR(5) /*! CHARACTER SET ascii COLLATE ascii_bin */ NOT NULL,
    token_hash          CHAR(64) /*! CHARACTER SET ascii COLLATE ascii_bin */ NULL,
    -- The token before the last rejoin: good for repeating it until the new one has been used.
    previous_token_hash CHAR(64) /*! CHARACTER SET ascii COLLATE ascii_bin */ NULL,
    retry_key_hash      CHAR(64) /*! CHARACTER SET ascii COLLATE ascii_bin */ NULL,
    joined_at           BIGINT NOT NULL,
    joined_seq          BIGINT NOT NULL,
    last_seen_at        BIGINT NOT NULL,
    left_at             BIGINT NULL,
    -- Everything up to here has been processed by the member's page.
    acked_seq           BIGINT NOT NULL,
    -- The highest signal to this member that expired without acknowledgement.
    expired_seq         BIGINT NOT NULL DEFAULT 0,
    FOREIGN KEY (room_id) REFERENCES party_rooms (id) ON DELETE CASCADE
) /*! ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC */;

CREATE UNIQUE INDEX party_participants_id ON party_participants (room_id, participant_id);
CREATE UNIQUE INDEX party_participants_token ON party_participants (token_hash);
CREATE UNIQUE INDEX party_participants_previous_token ON party_participants (previous_token_hash);
CREATE UNIQUE INDEX party_participants_retry_key ON party_participants (retry_key_hash);

-- Signals on their way. A row goes when it is acknowledged or expires.
CREATE TABLE party_signaling (
    room_id       INTEGER NOT NULL,
    to_id         INTEGER NOT NULL,
    seq           BIGINT NOT NULL,
    from_id       INTEGER NOT NULL,
    type          VARCHAR(6) /*! CHARACTER SET ascii COLLATE ascii_bin */ NOT NULL,
    payload       MEDIUMTEXT NOT NULL,
    payload_bytes INTEGER NOT NULL,
    client_msg_id VARCHAR(64) /*! CHARACTER SET ascii COLLATE ascii_bin */ NULL,
    created_at    BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL,
    PRIMARY KEY (room_id, to_id, seq),
    FOREIGN KEY (room_id) REFERENCES party_rooms (id) ON DELETE CASCADE
) /*! ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC */;

-- What a token has sent under which of its own message ids: a retry may come long after the
-- acknowledgement removed the signal.
CREATE TABLE party_sent (
    token_hash    CHAR(64) /*! CHARACTER SET ascii COLLATE ascii_bin */ NOT NULL,
    client_msg_id VARCHAR(64) /*! CHARACTER SET ascii COLLATE ascii_bin */ NOT NULL,
    room_id       INTEGER NOT NULL,
    seq           BIGINT NOT NULL,
    PRIMARY KEY (token_hash, client_msg_id),
    FOREIGN KEY (room_id) REFERENCES party_rooms (id) ON DELETE CASCADE
) /*! ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC */;

CREATE INDEX party_sent_room ON party_sent (room_id);

-- What happened in a room: to all members, or to the one in `to_id`. Kept as long as the room.
CREATE TABLE party_events (
    room_id    INTEGER NOT NULL,
    seq        BIGINT NOT NULL,
    type       VARCHAR(32) /*! CHARACTER SET ascii COLLATE ascii_bin */ NOT NULL,
    actor_id   VARCHAR(36) /*! CHARACTER SET ascii COLLATE ascii_bin */ NULL,
    to_id      INTEGER NULL,
    data       MEDIUMTEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (room_id, seq),
    FOREIGN KEY (room_id) REFERENCES party_rooms (id) ON DELETE CASCADE
) /*! ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC */;
