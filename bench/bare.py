"""What an idle poll is measured against: a bare Flask route and a bare WSGI callable with its answer."""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask, jsonify

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

flask = Flask(__name__)

ANSWER: dict[str, Any] = {
    "messages": [],
    "count": 0,
    "seq": 12,
    "more": False,
    "gap": False,
    "pollAfterMs": 1000,
}
BODY = json.dumps({"success": True, "data": ANSWER}, separators=(",", ":")).encode() + b"\n"


@flask.get("/signal/<code>/<participant_id>")
def poll(code: str, participant_id: str) -> Any:
    """As a beginner would write it."""
    return jsonify(success=True, data=ANSWER)


def wsgi(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Nothing at all around it."""
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(BODY)))])
    return [BODY]
