-- Counts how often a held poll of some member came to another process than the one before. That was counted
-- among `takeovers`, which also tell that what a process remembers of the room's seats holds no longer.
ALTER TABLE party_rooms ADD COLUMN handovers INTEGER NOT NULL DEFAULT 0;
