"""What polls and sends are measured against: the barest routes that answer the same or store as much."""

import json
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pymysql
from flask import Flask, jsonify, request

from party.config import load_settings

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


_kept = threading.local()


@flask.post("/signal")
def insert() -> Any:
    """One row in one request, on a connection that each thread keeps."""
    if not hasattr(_kept, "connection"):
        url = urlsplit(load_settings().DATABASE_URL)
        _kept.connection = pymysql.connect(
            host=url.hostname,
            port=url.port or 0,
            user=url.username,
            password=url.password or "",
            database=url.path.strip("/"),
            autocommit=True,
        )
    sent = request.get_json()
    with _kept.connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO bench_signals (room, to_id, type, payload) VALUES (%s, %s, %s, %s)",
            (sent["roomCode"], sent["toId"], sent["type"], json.dumps(sent["payload"])),
        )
    return jsonify(success=True), 201


def wsgi(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Nothing at all around it."""
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(BODY)))])
    return [BODY]
