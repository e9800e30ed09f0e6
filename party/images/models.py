"""The answer of an upload."""

from party.web.models import Answer


class Uploaded(Answer):
    imageId: str
    url: str
    width: int
    height: int
