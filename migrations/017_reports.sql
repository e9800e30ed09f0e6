-- What pages report of their connections, as counts per day.

-- `counter` is what was counted, such as "outcome open" or "ms 300" (party/reports/figures.py); the day is the
-- one on which the room was opened.
CREATE TABLE party_report_counts (
    day     CHAR(10) /*! CHARACTER SET ascii COLLATE ascii_bin */ NOT NULL,
    counter VARCHAR(48) /*! CHARACTER SET ascii COLLATE ascii_bin */ NOT NULL,
    total   BIGINT NOT NULL,
    PRIMARY KEY (day, counter)
) /*! ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC */;

-- Which pairs of a room have been counted, as long as the room is there: each member by the number of its
-- joining, and the token of the page that told. 0 and 0 stand for those of whom no page has told.
CREATE TABLE party_reported_pairs (
    room_id     INTEGER NOT NULL,
    younger_seq BIGINT NOT NULL,
    elder_seq   BIGINT NOT NULL,
    token_hash  CHAR(64) /*! CHARACTER SET ascii COLLATE ascii_bin */ NULL,
    PRIMARY KEY (room_id, younger_seq, elder_seq),
    FOREIGN KEY (room_id) REFERENCES party_rooms (id) ON DELETE CASCADE
) /*! ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC */;
