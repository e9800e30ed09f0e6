-- Images that members have uploaded; the files lie in a folder, under the same names.
CREATE TABLE party_images (
    -- 128 random bits: whoever knows it may see the image.
    name       CHAR(32) /*! CHARACTER SET ascii COLLATE ascii_bin */ PRIMARY KEY,
    room_id    INTEGER NOT NULL,
    member_id  INTEGER NOT NULL,
    -- The number with which its owner joined: before and after that the member's row may be another's.
    joined_seq BIGINT NOT NULL,
    type       VARCHAR(10) /*! CHARACTER SET ascii COLLATE ascii_bin */ NOT NULL,
    width      INTEGER NOT NULL,
    height     INTEGER NOT NULL,
    bytes      INTEGER NOT NULL,
    -- In how many messages it is.
    uses       INTEGER NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    FOREIGN KEY (room_id) REFERENCES party_rooms (id) ON DELETE CASCADE
) /*! ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin ROW_FORMAT=DYNAMIC */;

CREATE INDEX party_images_room ON party_images (room_id, bytes);
