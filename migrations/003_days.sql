-- What a day saw, counted when its rooms and rate-limit rows are purged: statistics outlive them,
-- and no request has to count into a row that all others count into.
CREATE TABLE party_days (
    day          CHAR(10) /*! CHARACTER SET ascii COLLATE ascii_bin */ PRIMARY KEY,
    rooms        INTEGER NOT NULL DEFAULT 0,
    members      INTEGER NOT NULL DEFAULT 0,
    joins        INTEGER NOT NULL DEFAULT 0,
    signals      BIGINT NOT NULL DEFAULT 0,
    rate_limited BIGINT NOT NULL DEFAULT 0
) /*! ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC */;
