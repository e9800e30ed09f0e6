"""The image calls over HTTP."""

import secrets
from typing import Any

from flask import Blueprint, Response, send_file

from party import clock
from party.db import database
from party.errors import ImageNotFound, RateLimited, RoomEnded
from party.images import cleaning, folder, store
from party.images.errors import NotAnImage, StorageFull
from party.images.models import Uploaded
from party.rows import Caller
from party.web.calls import File, Upload, call
from party.web.models import room_code
from party.web.rate_limits import MINUTE, rate_limits
from party.web.windows import Window

blueprint = Blueprint("images", __name__)

MAX_BYTES = 2 * store.MIB
UPLOADS_PER_MINUTE = 10
SHOWN_FOR_SECONDS = 3600


@blueprint.post("/rooms/<code>/images")
@call(
    "Upload an image",
    access="player",
    upload=Upload("image", MAX_BYTES),
    own_limit=True,
    answers={201: Uploaded},
    errors=(RateLimited, RoomEnded, NotAnImage, StorageFull),
)
def upload(caller: Caller, file: bytes) -> dict[str, Any]:
    """It is made anew, without anything but its pixels, and can be shown in a message."""
    rate_limits().hit(Window("image", str(caller["id"]), UPLOADS_PER_MINUTE, MINUTE))
    db = database()
    if caller["status"] == "ended":
        raise RoomEnded
    image = cleaning.clean(file)
    if not store.has_room(db, len(image.data)):
        raise StorageFull
    name = secrets.token_hex(16)
    folder.keep(name, image.data)
    shown = {"width": image.width, "height": image.height}
    try:
        columns = {**shown, "type": image.type, "bytes": len(image.data)}
        store.keep(db, clock.now_ms(), caller, name, columns)
    except Exception:
        folder.drop(name)
        raise
    return {"imageId": name, "url": store.url_of(caller["code"], name), **shown}


@blueprint.get("/rooms/<code>/images/<name>")
@call("See an image", answers={200: File(tuple(cleaning.TYPES.values()))}, errors=(ImageNotFound,))
def image(code: str, name: str) -> Response:
    """Whoever knows its name may see it: a browser sends no token with an `<img>`."""
    found = store.find(database(), room_code(code), name)
    if found is None:
        raise ImageNotFound
    try:
        response = send_file(folder.path_of(name), found["type"], etag=name, max_age=SHOWN_FOR_SECONDS)
    except FileNotFoundError:
        raise ImageNotFound from None
    response.headers["Content-Disposition"] = "inline"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Cache-Control"] = f"private, max-age={SHOWN_FOR_SECONDS}"
    return response
