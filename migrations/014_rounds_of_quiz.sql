-- Rounds of the quiz: a room may play again, questions may close by themselves, and the host may look at how
-- it went.

-- What becomes of the room after the last question: 'end', or 'stay' for another round.
ALTER TABLE party_quizzes
    ADD COLUMN after_quiz VARCHAR(4) /*! CHARACTER SET ascii COLLATE ascii_bin */ NOT NULL DEFAULT 'end';
-- How often the room has been started. 0: never.
ALTER TABLE party_quizzes ADD COLUMN round INTEGER NOT NULL DEFAULT 0;
-- Whether questions close by themselves, and how long after that the next one opens.
ALTER TABLE party_quizzes ADD COLUMN auto_advance INTEGER NOT NULL DEFAULT 0;
ALTER TABLE party_quizzes ADD COLUMN pause_ms INTEGER NOT NULL DEFAULT 0;
-- When the current question was closed; NULL while it is open.
ALTER TABLE party_quizzes ADD COLUMN closed_at BIGINT NULL;

-- Questions and answers are those of the last round. Which answer it was is kept for the host's results, in
-- which nobody's answer can be told from the others'; -1 is none.
ALTER TABLE party_answers ADD COLUMN answer INTEGER NOT NULL DEFAULT -1;
ALTER TABLE party_answers ADD COLUMN time_ms INTEGER NOT NULL DEFAULT 0;

-- The results of a round are kept as JSON once it is finished: the quiz and the members may change then.
CREATE TABLE party_rounds (
    room_id     INTEGER NOT NULL,
    round       INTEGER NOT NULL,
    started_at  BIGINT NOT NULL,
    finished_at BIGINT NULL,
    results     MEDIUMTEXT NULL,
    PRIMARY KEY (room_id, round),
    FOREIGN KEY (room_id) REFERENCES party_rooms (id) ON DELETE CASCADE
) /*! ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC */;

-- Members who have more time than others, in percent of a question's time. It goes with the member.
CREATE TABLE party_extra_times (
    room_id   INTEGER NOT NULL,
    member_id INTEGER NOT NULL,
    percent   INTEGER NOT NULL,
    PRIMARY KEY (room_id, member_id),
    FOREIGN KEY (room_id) REFERENCES party_rooms (id) ON DELETE CASCADE
) /*! ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC */;

-- Rooms that have been started play their first round.
INSERT INTO party_quizzes (room_id, seconds_per_question)
    SELECT r.id, 30 FROM party_rooms r
    WHERE r.started_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM party_quizzes q WHERE q.room_id = r.id);
UPDATE party_quizzes SET round = 1
    WHERE room_id IN (SELECT id FROM party_rooms WHERE started_at IS NOT NULL);
INSERT INTO party_rounds (room_id, round, started_at)
    SELECT r.id, 1, r.started_at FROM party_rooms r WHERE r.started_at IS NOT NULL;
