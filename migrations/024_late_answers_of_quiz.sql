-- Until when the question that the host closed last can still be answered; NULL as soon as anybody but the host has
-- been shown what was right.
ALTER TABLE party_quizzes ADD COLUMN late_until BIGINT NULL;
