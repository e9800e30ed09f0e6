-- What processes need to know of rooms that they watch.

-- When a number of the room was last taken: finds the rooms that moved among very many.
ALTER TABLE party_rooms ADD COLUMN moved_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX party_rooms_movement ON party_rooms (moved_at);
