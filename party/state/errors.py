"""What shared state refuses."""

from party.errors import ApiError


class StateMoved(ApiError):
    status, code, message = 409, "STATE_MOVED", "One of these keys has changed meanwhile."
