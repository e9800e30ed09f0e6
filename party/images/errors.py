"""What an upload is refused for."""

from party.errors import ApiError


class NotAnImage(ApiError):
    status, code, message = 400, "NOT_AN_IMAGE", "That is no PNG, JPEG, GIF or WebP image, or a broken one."


class StorageFull(ApiError):
    status, code, message = 507, "STORAGE_FULL", "There is no room for more images just now."
