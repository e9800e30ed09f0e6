"""What messages refuse."""

from party.errors import ApiError


class MessageNotFound(ApiError):
    status, code, message = 404, "MESSAGE_NOT_FOUND", "There is no such message, or not any longer."
