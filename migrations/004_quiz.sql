-- The quiz: what a room plays, when questions were opened, who has answered them, and the scores.

-- A room without a quiz, and with the usual time, has no row.
CREATE TABLE party_quizzes (
    room_id              INTEGER PRIMARY KEY,
    quiz_data            MEDIUMTEXT NULL,
    seconds_per_question INTEGER NOT NULL,
    current_question     INTEGER NOT NULL DEFAULT 0,
    FOREIGN KEY (room_id) REFERENCES party_rooms (id) ON DELETE CASCADE
) /*! ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC */;

-- The first question has no row: it opens when the game starts. A question closes when the next one opens.
CREATE TABLE party_questions (
    room_id   INTEGER NOT NULL,
    question  INTEGER NOT NULL,
    opened_at BIGINT NOT NULL,
    PRIMARY KEY (room_id, question),
    FOREIGN KEY (room_id) REFERENCES party_rooms (id) ON DELETE CASCADE
) /*! ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC */;

-- What a member's answer brought: the points, and the score that it then had. Which answer it was is
-- nobody's business afterwards. Only a correct one has points.
CREATE TABLE party_answers (
    room_id   INTEGER NOT NULL,
    question  INTEGER NOT NULL,
    member_id INTEGER NOT NULL,
    points    INTEGER NOT NULL,
    score     INTEGER NOT NULL,
    PRIMARY KEY (room_id, question, member_id),
    FOREIGN KEY (room_id) REFERENCES party_rooms (id) ON DELETE CASCADE
) /*! ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC */;

-- The members' scores that are not 0. They go with their member.
CREATE TABLE party_scores (
    room_id   INTEGER NOT NULL,
    member_id INTEGER NOT NULL,
    score     INTEGER NOT NULL,
    PRIMARY KEY (room_id, member_id),
    FOREIGN KEY (room_id) REFERENCES party_rooms (id) ON DELETE CASCADE
) /*! ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC */;
