-- What processes need to know of rooms that they watch.

-- When a number of the room was last taken: finds the rooms that moved among very many.
ALTER TABLE party_rooms ADD COLUMN moved_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX party_rooms_movement ON party_rooms (moved_at);

-- Counts the pages that took over a member's seat, and the processes that took over its held poll.
ALTER TABLE party_rooms ADD COLUMN takeovers INTEGER NOT NULL DEFAULT 0;

-- The process in which the member's last held poll waits, or waited.
ALTER TABLE party_participants
    ADD COLUMN holder CHAR(16) /*! CHARACTER SET ascii COLLATE ascii_bin */ NULL;
