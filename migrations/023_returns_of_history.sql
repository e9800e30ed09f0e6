-- Whether a session's device had been there before that day: found out when it comes, so that a day is counted
-- without a look at all days before it. NULL is what the release before this wrote: there it is found out then.
ALTER TABLE party_sessions ADD COLUMN is_return INTEGER NULL;

-- All that a day is counted of.
CREATE INDEX party_sessions_day ON party_sessions (started_at, device_hash, is_return);
DROP INDEX party_sessions_start /*! ON party_sessions */;
