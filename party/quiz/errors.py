"""What the quiz refuses."""

from party.errors import ApiError


class TooFewParticipants(ApiError):
    status, code, message = 409, "TOO_FEW_PARTICIPANTS", "It takes at least two participants."


class WrongQuestion(ApiError):
    status, code, message = 409, "WRONG_QUESTION", "That is not the question that is open."
