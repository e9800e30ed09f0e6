-- What processes need to know of rooms that they watch.

-- When a number of the room was last taken: finds the rooms that moved among very many.
ALTER TABLE party_rooms ADD COLUMN moved_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX party_rooms_movement ON party_rooms (moved_at);

-- A database may lose its last commits, in a crash or a failover. So the first number that a room takes in
-- another incarnation of it leaves out those that may have been given before: the ones after `skipped_after`,
-- and `skipped` in all.
ALTER TABLE party_rooms ADD COLUMN incarnation BIGINT NOT NULL DEFAULT 0;
ALTER TABLE party_rooms ADD COLUMN skipped_after BIGINT NULL;
ALTER TABLE party_rooms ADD COLUMN skipped BIGINT NOT NULL DEFAULT 0;
