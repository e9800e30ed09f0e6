-- Small data that travels as signals where no path opens between two pages.

-- When data was sent last: while that is recent, polls are quick, though no connection is being made.
ALTER TABLE party_rooms ADD COLUMN relayed_at BIGINT NOT NULL DEFAULT 0;
