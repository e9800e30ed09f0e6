-- A room may live longer than the others without a poll, so that who comes later finds what was left there.
-- NULL: as long as the setting ROOM_TTL_HOURS says at the time.
ALTER TABLE party_rooms ADD COLUMN ttl_ms BIGINT NULL;
-- The last number that was neither a signal nor an event: whoever polls from before it has to ask the features
-- that keep values under such numbers.
ALTER TABLE party_rooms ADD COLUMN silent_seq BIGINT NOT NULL DEFAULT 0;
