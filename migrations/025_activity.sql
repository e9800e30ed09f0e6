-- What the processes have done lately: each notes it with its cleanup, and cron does the same.
CREATE TABLE party_activity (
    -- Random, or `cron`.
    process      CHAR(16) /*! CHARACTER SET ascii COLLATE ascii_bin */ PRIMARY KEY,
    version      VARCHAR(64) NOT NULL,
    noted_at     BIGINT NOT NULL,
    -- In so many milliseconds before that, so many polls came, and signals were sent.
    elapsed_ms   BIGINT NOT NULL,
    polls        BIGINT NOT NULL,
    sends        BIGINT NOT NULL,
    -- By what its pauses were longer than usual, in percent of these.
    back_off     INTEGER NOT NULL
) /*! ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC */;

CREATE INDEX party_activity_time ON party_activity (noted_at);
