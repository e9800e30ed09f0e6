"""What the service tells about itself: health, metrics, ICE servers, OpenAPI."""

import json
import re
from typing import Any

import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openapi_spec_validator import validate
from prometheus_client.parser import text_string_to_metric_families
from schemathesis import CheckFunction
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from werkzeug.test import EnvironBuilder, run_wsgi_app

from party.db import Database
from party.version import VERSION
from tests.conftest import Clock, MakeApp
from tests.support.peers import Answer, Api, Seat, codes


def test_health_says_that_all_is_well(client: Api) -> None:
    assert client.request("GET", "/health").data == {
        "status": "ok",
        "version": VERSION,
        "database": "ok",
        "schema": "current",
    }


# Metrics


def metrics(answer: Answer) -> dict[str, float]:
    """The samples of a metrics page."""
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    return {
        sample.name + "".join(f"{{{value}}}" for value in sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def play(database_url: str, host: Seat) -> None:
    """Make a room one that plays, as a feature does."""
    Database(database_url).write(
        lambda tx: tx.run("UPDATE party_rooms SET status = 'playing' WHERE code = :code", code=host.code)
    )


def test_metrics_are_counted_in_the_database(make_app: MakeApp, clock: Clock, database_url: str) -> None:
    client = Api.of_app(make_app(LOOKS_PER_MINUTE=4))
    waiting, playing, ended = (client.create_room() for _ in range(3))
    guest = client.join(playing.code)
    left = client.join(waiting.code)
    left.call("POST", "/leave")
    play(database_url, playing)
    ended.call("DELETE")
    playing.send(guest)
    clock.advance(30)
    playing.send(guest)
    for _ in range(5):
        client.request("GET", "/rooms/ZZZZZZ")
    clock.advance(70)
    guest.poll(0)
    # Another process tells the same.
    found = metrics(Api.of_app(make_app()).request("GET", "/metrics"))
    expected = {
        "party_rooms{waiting}": 1,
        "party_rooms{playing}": 1,
        "party_rooms{ended}": 1,
        "party_members_online": 1,
        "party_signals_pending": 2,
        "party_oldest_signal_age_seconds": 100,
        "party_rate_limit_hits_total": 3,
    }
    assert {name: found[name] for name in expected} == expected


def test_polls_and_sends_are_those_of_all_processes(make_app: MakeApp, clock: Clock) -> None:
    one, other = (Api.of_app(make_app()) for _ in range(2))
    assert "party_last_cleanup_age_seconds" not in metrics(one.request("GET", "/metrics"))
    host = one.create_room()
    guest = one.join(host.code)
    for _ in range(11):
        guest.poll()
    there = Seat(other, {**guest.room, "you": {"id": guest.id, "token": guest.token}})
    assert there.send_batch([{"toId": host.id, "type": "ice", "payload": {}}] * 6).status == 201
    clock.advance(60)
    # Each tells of itself behind an answer.
    guest.poll()
    there.poll()
    clock.advance(15)
    values = metrics(one.request("GET", "/metrics"))
    assert values["party_processes"] == 2
    assert values["party_polls_per_second"] == 0.2
    assert values["party_sends_per_second"] == 0.1
    assert values["party_last_cleanup_age_seconds"] == 15
    clock.advance(80)
    assert metrics(one.request("GET", "/metrics"))["party_processes"] == 0


def test_rate_limit_hits_are_a_counter_that_never_falls(make_app: MakeApp, clock: Clock) -> None:
    client = Api.of_app(make_app(LOOKS_PER_MINUTE=1))
    for _ in range(3):
        client.request("GET", "/rooms/ZZZZZZ")
    clock.advance(3600)
    client.request("GET", "/health")  # the cleanup forgets the row
    assert metrics(client.request("GET", "/metrics"))["party_rate_limit_hits_total"] == 2


def test_an_empty_service_has_metrics(client: Api) -> None:
    found = metrics(client.request("GET", "/metrics"))
    assert found["party_rooms{waiting}"] == found["party_oldest_signal_age_seconds"] == 0


def from_address(app: Flask, address: str, **headers: str) -> int:
    """The status of /metrics for a client at this address."""
    builder = EnvironBuilder(path="/metrics", environ_overrides={"REMOTE_ADDR": address})
    builder.headers.update(headers)
    _, status, _ = run_wsgi_app(app, builder.get_environ(), buffered=True)
    return int(status.split()[0])


def test_without_a_token_metrics_are_for_this_machine_only(make_app: MakeApp) -> None:
    app = make_app()
    assert from_address(app, "127.0.0.1") == from_address(app, "::1") == 200
    assert from_address(app, "192.0.2.1") == 401
    # A request that a proxy on this machine passed on comes from elsewhere.
    assert from_address(app, "127.0.0.1", **{"X-Forwarded-For": "192.0.2.1"}) == 401
    assert from_address(app, "127.0.0.1", **{"X-Forwarded-For": "127.0.0.1"}) == 401
    assert from_address(make_app(TRUSTED_PROXIES=1), "127.0.0.1", **{"X-Forwarded-For": "127.0.0.1"}) == 401
    refused = Api.of_app(app).request("GET", "/metrics", headers={"X-Forwarded-For": "192.0.2.1"})
    assert refused.code == "TOKEN_REQUIRED"


def test_with_a_token_metrics_are_for_whoever_has_it(make_app: MakeApp) -> None:
    app = make_app(METRICS_TOKEN="open sesame")
    client = Api.of_app(app)
    assert client.request("GET", "/metrics").code == "TOKEN_REQUIRED"
    for wrong in ("open", "open sesame!", "OPEN SESAME", "é"):
        assert client.request("GET", "/metrics", token=wrong).code == "TOKEN_INVALID"
    assert client.request("GET", "/metrics", token="open sesame").status == 200
    bearer = {"Authorization": "Bearer open sesame", "X-Forwarded-For": "192.0.2.1"}
    assert from_address(app, "192.0.2.1", **bearer) == 200


# OpenAPI


def test_the_openapi_document_is_valid_and_whole(make_app: MakeApp) -> None:
    # With all there is.
    answer = Api.of_app(make_app(IMAGES=True)).request("GET", "/openapi.json")
    assert answer.headers["Content-Type"] == "application/json"
    document = answer.json
    assert document["openapi"].startswith("3.1")
    validate(document)
    assert operations(document) >= {
        "POST /rooms",
        "GET /rooms/{code}",
        "DELETE /rooms/{code}",
        "POST /rooms/{code}/end",
        "POST /rooms/{code}/join",
        "POST /rooms/{code}/rejoin",
        "POST /rooms/{code}/leave",
        "POST /rooms/{code}/remove",
        "POST /signal",
        "GET /signal/{code}/{participant_id}",
        "GET /signal/{code}/{participant_id}/peers",
        "GET /limits",
        "GET /health",
        "GET /metrics",
        "GET /openapi.json",
    }
    # Every error code but those that belong to no call; where things are in a status, a feature says.
    missing = {code for code in codes() if f'"{code}"' not in answer.text}
    assert missing - {"WRONG_STATUS"} == {"NOT_FOUND", "METHOD_NOT_ALLOWED"}


BRACES = r"{\1}"


def operations(document: dict[str, Any]) -> set[str]:
    """The calls that an OpenAPI document describes."""
    return {f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item}


def test_the_document_has_every_path_that_answers(app: Flask, client: Api) -> None:
    served = {
        f"{method} {re.sub('<([a-z_]+)>', BRACES, rule.rule)}"
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    others = {"GET /", "GET /play", "GET /static/<path:filename>"}
    assert operations(client.request("GET", "/openapi.json").json) == served - others


def test_the_document_names_no_sub_schema_that_is_missing(client: Api) -> None:
    text = client.request("GET", "/openapi.json").text
    schemas = json.loads(text)["components"]["schemas"]
    for name in {part.partition('"')[0] for part in text.split("#/components/schemas/")[1:]}:
        assert name in schemas


CONFORMANCE: list[CheckFunction] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


def parts(body: Any) -> list[dict[str, Any]]:
    """A body and the messages in it, as far as they are objects."""
    if not isinstance(body, dict):
        return []
    messages = body.get("messages")
    found = [body, *(messages if isinstance(messages, list) else [])]
    return [part for part in found if isinstance(part, dict)]


def test_whatever_is_sent_no_answer_is_outside_the_document(app: Flask) -> None:
    client = Api.of_app(app)
    seen: dict[str, set[int]] = {}

    def run(operation: Any) -> None:
        host = client.create_room()
        guest = client.join(host.code)
        known = {"code": host.code, "participant_id": host.id}
        tokens = st.sampled_from([host.token, host.token, guest.token, "unknown", None])
        fields = {"roomCode": host.code, "toId": guest.id, "fromId": host.id, "after": 0}

        # The same cases in every run: a finding must not depend on luck.
        @settings(
            # Its bodies have three forms, and few that are made at random are good.
            max_examples=80 if operation.label == "POST /signal" else 20,
            derandomize=True,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(), token=tokens, in_room=st.booleans())
        def try_it(case: Any, token: str | None, in_room: bool) -> None:
            if in_room:
                case.path_parameters = {name: known.get(name, "1") for name in case.path_parameters or {}}
                for part in parts(case.body):
                    part |= {name: fields[name] for name in fields.keys() & part.keys()}
            case.headers["Authorization"] = f"Bearer {token}"
            response = case.call()
            case.validate_response(response, checks=CONFORMANCE)
            seen.setdefault(operation.label, set()).add(response.status_code)

        try_it()

    document = client.request("GET", "/openapi.json").json
    for item in document["paths"].values():
        for operation in item.values():
            # Texts made at random are mostly no base64url of anything.
            operation.get("requestBody", {"content": {}})["content"].pop("text/plain", None)
    described = schemathesis.openapi.from_dict(document)
    described.app = app
    for result in described.get_all_operations():
        assert isinstance(result, Ok)
        run(result.ok())
    assert len(seen) >= 12
    # The run went beyond the doors.
    assert seen["POST /signal"] >= {201, 401, 403}
