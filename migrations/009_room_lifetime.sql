-- A room may live longer than the others without a poll, so that who comes later finds what was left there.
-- NULL: as long as the setting ROOM_TTL_HOURS says at the time.
ALTER TABLE party_rooms ADD COLUMN ttl_ms BIGINT NULL;
