-- History: who came when and how often again, and what was played. It outlives the rooms, so nothing here refers to
-- them by a key.

-- A member's time in a room. While `ended_at` is NULL it is active.
CREATE TABLE party_sessions (
    id             INTEGER PRIMARY KEY AUTO_INCREMENT,
    room_id        INTEGER NOT NULL,
    participant_id VARCHAR(36) /*! CHARACTER SET ascii COLLATE ascii_bin */ NOT NULL,
    -- A keyed hash of the id that the device's pages share, if they gave one.
    device_hash    CHAR(64) /*! CHARACTER SET ascii COLLATE ascii_bin */ NULL,
    started_at     BIGINT NOT NULL,
    -- How often a reloaded or reopened page took it up again, with a new token each time.
    rejoins        INTEGER NOT NULL DEFAULT 0,
    ended_at       BIGINT NULL,
    -- 'left', or 'timeout' where the member had not been seen for some time.
    outcome        VARCHAR(7) /*! CHARACTER SET ascii COLLATE ascii_bin */ NULL
) /*! ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC */;

CREATE INDEX party_sessions_member ON party_sessions (room_id, participant_id);
CREATE INDEX party_sessions_device ON party_sessions (device_hash, started_at);
CREATE INDEX party_sessions_start ON party_sessions (started_at);

-- What a room was for, noted when it ends.
CREATE TABLE party_games (
    room_id    INTEGER PRIMARY KEY,
    code       CHAR(6) /*! CHARACTER SET ascii COLLATE ascii_bin */ NOT NULL,
    -- Empty where the room said nothing.
    game_type  VARCHAR(40) /*! CHARACTER SET ascii COLLATE ascii_bin */ NOT NULL,
    opened_at  BIGINT NOT NULL,
    started_at BIGINT NULL,
    ended_at   BIGINT NOT NULL,
    -- 1 where it was started and came to its end, rather than that its host left or nobody came any more.
    completed  INTEGER NOT NULL,
    members    INTEGER NOT NULL
) /*! ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC */;

CREATE INDEX party_games_end ON party_games (ended_at);
CREATE INDEX party_games_code ON party_games (code);

-- The sums of days that are over: they outlive the above, and are nobody's. `day` is its first millisecond.
CREATE TABLE party_history_days (
    day       BIGINT PRIMARY KEY,
    sessions  INTEGER NOT NULL,
    devices   INTEGER NOT NULL,
    -- Of these, those that had been there before that day.
    returning_devices INTEGER NOT NULL
) /*! ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC */;

-- By the day on which they ended.
CREATE TABLE party_game_days (
    day       BIGINT NOT NULL,
    game_type VARCHAR(40) /*! CHARACTER SET ascii COLLATE ascii_bin */ NOT NULL,
    opened    INTEGER NOT NULL,
    started   INTEGER NOT NULL,
    completed INTEGER NOT NULL,
    members   INTEGER NOT NULL,
    -- From the start to the end of those that were started.
    played_ms BIGINT NOT NULL,
    PRIMARY KEY (day, game_type)
) /*! ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC */;
