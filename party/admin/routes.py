"""The admin's page and its calls: the token comes in a header with each, and no cookie is ever set."""

import ipaddress
import logging
from typing import Annotated, Any

from flask import Blueprint, Response, jsonify, make_response, render_template, request
from pydantic import AfterValidator, Field, TypeAdapter

from party import clock
from party.admin import banned, plots
from party.config import settings
from party.db import database
from party.errors import TokenInvalid, TokenRequired
from party.features import features
from party.ops import activity, doctor, live, statistics
from party.version import VERSION
from party.web.calls import validated
from party.web.models import Body
from party.web.rate_limits import GUESS, rate_limits
from party.web.tokens import bearer, same

blueprint = Blueprint(
    "admin", __name__, url_prefix="/admin", template_folder="templates", static_folder="static"
)
log = logging.getLogger(__name__)

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# What can be had without the token: nothing of it tells anything.
OPEN = ("admin.page", "admin.static")
MINUTE_MS = 60_000


def _is_address(text: str) -> str:
    return str(ipaddress.ip_address(text.strip()))


class Ban(Body):
    address: Annotated[str, AfterValidator(_is_address)]
    minutes: Annotated[int, Field(ge=1, le=7 * 24 * 60)]


@blueprint.before_request
def _check_token() -> None:
    """A token counts as a guess before it is compared, and not any more if it was right."""
    if request.endpoint in OPEN:
        return
    token = bearer()
    if token is None:
        raise TokenRequired
    guess = rate_limits().of_address(GUESS)
    rate_limits().hit(guess)
    if not same(token, settings().ADMIN_TOKEN or ""):
        log.warning("a wrong token was given for the admin's page")
        raise TokenInvalid
    rate_limits().give_back(guess)


@blueprint.after_request
def _add_headers(response: Response) -> Response:
    response.headers.update(HEADERS)
    return response


@blueprint.get("")
def page() -> str:
    """The page: a form for the token, and a place for what it shows."""
    return render_template("admin/page.html")


@blueprint.get("/overview")
def overview() -> str:
    """What runs now, and the last thirty days."""
    now, db = clock.now_ms(), database()
    counted = db.read(lambda tx: features().statistics(tx, now))
    return render_template(
        "admin/overview.html",
        version=VERSION,
        counts=statistics.current(db, now, settings().online_ms),
        activity=activity.current(db, now),
        rooms=live.rooms(db, now, settings().online_ms),
        plots=plots.plots(counted, plots.last_days(now)),
    )


@blueprint.get("/doctor")
def examine() -> str:
    """What the doctor sees from inside."""
    return render_template("admin/doctor.html", findings=list(doctor.examine()))


@blueprint.get("/rooms/<code>")
def room(code: str) -> str:
    """A room without names."""
    return render_template("admin/room.html", room=live.room(database(), code))


@blueprint.post("/rooms/<code>/names")
def names(code: str) -> str:
    """A room with names: on purpose, so it is noted in the log."""
    found = live.room(database(), code, names=True)
    log.warning("the names in room %s were looked at on the admin's page", found["code"])
    return render_template("admin/room.html", room=found)


@blueprint.post("/rooms/<code>/end")
def end(code: str) -> Response:
    """End a room."""
    live.end(database(), clock.now_ms(), code)
    return _done({"ended": True})


@blueprint.post("/bans")
def ban() -> Response:
    """Keep an address out for a time."""
    body: Ban = validated(TypeAdapter(Ban), request.get_json(force=True, silent=True) or {})
    banned.ban(database(), ipaddress.ip_address(body.address), clock.now_ms() + body.minutes * MINUTE_MS)
    return _done({"banned": True})


def _done(data: dict[str, Any]) -> Response:
    return make_response(jsonify(success=True, data=data))
