"""The quiz: questions one after the other, answers that the server marks, and scores."""
