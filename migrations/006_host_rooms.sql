-- Rooms that a host runs: roles, those who wait for approval, seats, presence, settings, and who is kept out.

-- Who was a guest is a player. A guest is now one who waits for approval.
/*! ALTER TABLE party_participants MODIFY role VARCHAR(9) CHARACTER SET ascii COLLATE ascii_bin NOT NULL */;
UPDATE party_participants SET role = 'player' WHERE role = 'guest';

-- A numbered place, from 0 on; of a guest the one that it wishes for.
ALTER TABLE party_participants ADD COLUMN seat INTEGER NULL;
ALTER TABLE party_participants
    ADD COLUMN presence VARCHAR(12) /*! CHARACTER SET ascii COLLATE ascii_bin */ NOT NULL DEFAULT 'online';
-- When a poll last made it online again.
ALTER TABLE party_participants ADD COLUMN returned_at BIGINT NOT NULL DEFAULT 0;
-- What a guest asks to be.
ALTER TABLE party_participants
    ADD COLUMN asked_role VARCHAR(9) /*! CHARACTER SET ascii COLLATE ascii_bin */ NULL;
ALTER TABLE party_participants
    ADD COLUMN device_hash CHAR(64) /*! CHARACTER SET ascii COLLATE ascii_bin */ NULL;

ALTER TABLE party_rooms ADD COLUMN name VARCHAR(50) NULL;
ALTER TABLE party_rooms
    ADD COLUMN game_type VARCHAR(40) /*! CHARACTER SET ascii COLLATE ascii_bin */ NULL;
ALTER TABLE party_rooms ADD COLUMN approval INTEGER NOT NULL DEFAULT 0;
ALTER TABLE party_rooms ADD COLUMN locked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE party_rooms ADD COLUMN listed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE party_rooms ADD COLUMN seats INTEGER NOT NULL DEFAULT 0;
ALTER TABLE party_rooms ADD COLUMN shared_state INTEGER NOT NULL DEFAULT 0;
ALTER TABLE party_rooms
    ADD COLUMN host_gone VARCHAR(7) /*! CHARACTER SET ascii COLLATE ascii_bin */ NOT NULL DEFAULT 'end';
-- How many are kept out (`party_bans`): mostly none, and then nobody asks.
ALTER TABLE party_rooms ADD COLUMN bans INTEGER NOT NULL DEFAULT 0;

CREATE INDEX party_rooms_list ON party_rooms (listed, ended_at);
CREATE INDEX party_rooms_list_of_games ON party_rooms (listed, game_type, ended_at);

-- Who is absent in the rooms that there are is found out with their next poll.
UPDATE party_rooms SET due_at = 0 WHERE ended_at IS NULL;

-- Those who may not come again, each by its id and, where it gave one, by its device.
CREATE TABLE party_bans (
    room_id        INTEGER NOT NULL,
    participant_id VARCHAR(36) /*! CHARACTER SET ascii COLLATE ascii_bin */ NOT NULL,
    device_hash    CHAR(64) /*! CHARACTER SET ascii COLLATE ascii_bin */ NULL,
    PRIMARY KEY (room_id, participant_id),
    FOREIGN KEY (room_id) REFERENCES party_rooms (id) ON DELETE CASCADE
) /*! ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC */;

-- Why a token is good for nothing any more.
CREATE TABLE party_dead_tokens (
    token_hash CHAR(64) /*! CHARACTER SET ascii COLLATE ascii_bin */ PRIMARY KEY,
    room_id    INTEGER NOT NULL,
    reason     VARCHAR(8) /*! CHARACTER SET ascii COLLATE ascii_bin */ NOT NULL,
    FOREIGN KEY (room_id) REFERENCES party_rooms (id) ON DELETE CASCADE
) /*! ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC */;

CREATE INDEX party_dead_tokens_room ON party_dead_tokens (room_id);
