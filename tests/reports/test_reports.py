"""Pages tell how their connections went; what is kept is counts per day, and each pair counts once."""

import base64
import json
import re
from collections import Counter
from typing import Any

import pytest
from flask import Flask

from party.ops.cleanup import clean
from party.reports import figures
from tests.conftest import Clock, MakeApp
from tests.support.peers import Answer, Api, Seat

DAY = "2026-01-09"
OPEN = {"outcome": "open", "ms": 250, "local": "host", "remote": "srflx", "protocol": "udp", "restarts": 1}


def report(seat: Seat, *reports: Any, **fields: Any) -> Answer:
    """Reports alone, or with other fields of a send."""
    body = {"roomCode": seat.code, "reports": list(reports), **fields}
    return seat.api.request("POST", "/signal", body, token=seat.token)


def poll(seat: Seat, header: str, after: int | None = None) -> Answer:
    """A poll with this header."""
    query = "" if after is None else f"?after={after}"
    path = f"/signal/{seat.code}/{seat.id}{query}"
    return seat.api.request("GET", path, token=seat.token, headers={"X-Party-Report": header})


def encoded(value: Any) -> str:
    """JSON in base64url, without padding."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def counted(app: Flask) -> dict[str, int]:
    """All counters of the one day that there is."""
    rows = app.extensions["party.database"].all("SELECT day, counter, total FROM party_report_counts")
    assert {row["day"] for row in rows} <= {DAY}
    return {row["counter"]: int(row["total"]) for row in rows}


def pairs(app: Flask) -> int:
    """How many pairs have been counted."""
    return sum(count for counter, count in counted(app).items() if counter.startswith("outcome "))


def test_a_report_is_counted_and_nothing_else_is_kept_of_it(app: Flask, host: Seat, guest: Seat) -> None:
    answer = report(guest, {"peerId": "host", **OPEN})
    assert (answer.status, answer.data) == (200, {"messageIds": [], "sent": True})
    assert counted(app) == {
        "outcome open -": 1,
        "ms 300": 1,
        "ms sum": 250,
        "candidates host srflx udp": 1,
    }
    assert host.poll(host.seq).data["messages"] == []


def test_reports_come_along_with_signals_and_with_an_acknowledgement(
    app: Flask, host: Seat, guest: Seat
) -> None:
    host.send(guest, {"n": 1})
    answer = report(guest, {"peerId": "host", "outcome": "failed", "reason": "ice-failed"}, after=guest.seq)
    assert [message["payload"] for message in answer.data["messages"]] == [{"n": 1}]
    assert report(guest, {"peerId": "host", **OPEN}, after=answer.data["seq"]).data["messages"] == []
    sent = {"toId": "host", "type": "ice", "payload": {}}
    assert report(guest, {"peerId": "host", **OPEN}, messages=[sent]).status == 201
    assert report(guest, {"peerId": "host", **OPEN}, **sent).status == 201
    assert counted(app) == {"outcome failed ice-failed": 1}


@pytest.mark.parametrize("after", [False, True])
def test_a_poll_brings_them_in_a_header_however_idle_it_is(
    app: Flask, host: Seat, guest: Seat, after: bool
) -> None:
    for _ in range(3):  # the answer to the next one is known
        guest.poll(guest.seq)
    answer = poll(guest, encoded([{"peerId": "host", **OPEN}]), guest.seq if after else None)
    assert answer.status == 200
    assert pairs(app) == 1


def test_a_pair_counts_once_by_whoever_came_later(app: Flask, client: Api, host: Seat, guest: Seat) -> None:
    for elder, peer in ((host, "guest"), (guest, "guest"), (guest, "nobody"), (host, "host")):
        assert report(elder, {"peerId": peer, **OPEN}).status == 200
    assert pairs(app) == 0
    for _ in range(3):
        report(guest, {"peerId": "host", "outcome": "relayed"}, {"peerId": "host", **OPEN})
    assert counted(app) == {"outcome relayed -": 1}
    # A page that comes back is the same half of the same pair.
    again = Seat(client, guest.call("POST", "/rejoin").data)
    report(again, {"peerId": "host", **OPEN})
    assert pairs(app) == 1
    third = client.join(host.code)
    report(third, {"peerId": "host", **OPEN}, {"peerId": "guest", **OPEN})
    assert pairs(app) == 3


def test_30_reports_of_a_token_count(app: Flask, client: Api, clock: Clock) -> None:
    host = client.create_room(maxParticipants=50)
    others = [host, *(client.join(host.code) for _ in range(39))]
    last = client.join(host.code)
    for first in range(0, 40, 10):
        assert (
            report(last, *({"peerId": each.id, **OPEN} for each in others[first : first + 10])).status == 200
        )
    assert pairs(app) == 30


@pytest.mark.parametrize(
    "wrong",
    [
        {"outcome": "fine"},
        {"outcome": None},
        {"reason": "tired"},
        {"ms": -1},
        {"ms": 600_001},
        {"ms": "5"},
        {"ms": True},
        {"local": "wifi"},
        {"remote": "HOST"},
        {"protocol": "sctp"},
        {"restarts": 1001},
        {"restarts": -1},
        {"peerId": "a b"},
        {"peerId": None},
    ],
    ids=str,
)
def test_what_is_outside_the_sets_is_refused_with_all_of_its_request(
    app: Flask, host: Seat, guest: Seat, wrong: dict[str, Any]
) -> None:
    bad = {"peerId": "host", **OPEN, **wrong}
    good = {"peerId": "host", **OPEN}
    sent = {"toId": "host", "type": "ice", "payload": {}}
    host.send(guest, {"n": 1})
    for answer in (
        report(guest, good, bad),
        report(guest, good, bad, messages=[sent]),
        report(guest, good, bad, **sent),
        report(guest, good, bad, after=guest.seq + 1),
        poll(guest, encoded([good, bad]), guest.seq + 1),
    ):
        assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")
        assert answer.error["field"].startswith("reports.1.")
    assert counted(app) == {}
    assert host.poll(host.seq).data["messages"] == []
    assert [message["payload"] for message in guest.poll(guest.seq).data["messages"]] == [{"n": 1}]


def test_there_are_1_to_10_reports(app: Flask, guest: Seat) -> None:
    one = {"peerId": "host", "outcome": "open"}
    for reports in ([], [one] * 11):
        for answer in (report(guest, *reports), poll(guest, encoded(reports))):
            assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")
    assert report(guest, *[one] * 10).status == 200
    assert poll(guest, encoded([one] * 10)).status == 200


@pytest.mark.parametrize("value", ["", "!", "é", "====", encoded({}), encoded("x"), "YQ", "x" * 5000])
def test_a_header_without_form_is_refused(guest: Seat, value: str) -> None:
    answer = poll(guest, value.encode().decode("latin-1"), guest.seq)
    assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")


def test_a_header_has_1_kib(guest: Seat) -> None:
    text = json.dumps([{"peerId": "host", "outcome": "open"}])
    for beyond in (0, 1):
        raw = (text + " " * (1024 - len(text) + beyond)).encode()
        status = poll(guest, base64.urlsafe_b64encode(raw).decode(), guest.seq).status
        assert status == (400 if beyond else 200)


def test_without_reports_a_send_needs_its_signal(guest: Seat) -> None:
    answer = guest.api.request("POST", "/signal", {"roomCode": guest.code}, token=guest.token)
    assert (answer.status, answer.error["field"]) == (400, "toId")


def test_the_form_is_checked_before_the_token(guest: Seat) -> None:
    body = {"roomCode": guest.code, "reports": [{}]}
    assert guest.api.request("POST", "/signal", body).code == "VALIDATION_ERROR"
    assert report(guest, {"peerId": "host", **OPEN}, fromId="host").code == "NOT_YOUR_ID"


def test_it_can_be_switched_off(make_app: MakeApp, clock: Clock) -> None:
    app = make_app(CONNECTION_REPORTS=False)
    client = Api.of_app(app)
    host = client.create_room(hostId="host")
    guest = client.join(host.code)
    assert report(guest, {"peerId": "host", **OPEN}).status == 200
    assert report(guest, {"peerId": "host", "outcome": "?"}).status == 400
    host.call("POST", "/end")
    clock.advance(25 * 3600)
    with app.app_context():
        clean(app.extensions["party.database"], clock.now)
    assert counted(app) == {}


def test_pairs_of_whom_no_report_came_are_counted_when_the_room_is_purged(
    app: Flask, client: Api, host: Seat, guest: Seat, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("party.ops.cleanup.ROWS", 2)  # in many pieces
    clock.advance(1)
    guest.call("POST", "/leave")
    clock.advance(1)
    late = client.join(host.code)  # has not met the one who left
    clock.advance(1)
    last = client.join(host.code)
    report(last, {"peerId": late.id, **OPEN})
    host.call("POST", "/end")
    assert figures.UNREPORTED not in counted(app)
    clock.advance(25 * 3600)
    with app.app_context():
        assert clean(app.extensions["party.database"], clock.now)["rooms purged"] == 1
    # host and guest, host and late, host and last; not late and last.
    assert counted(app)[figures.UNREPORTED] == 3
    assert app.extensions["party.database"].all("SELECT room_id FROM party_reported_pairs") == []


def test_what_a_day_of_reports_leaves_names_nobody(app: Flask, host: Seat, guest: Seat, clock: Clock) -> None:
    report(guest, {"peerId": "host", **OPEN})
    host.call("POST", "/end")
    clock.advance(25 * 3600)
    with app.app_context():
        clean(app.extensions["party.database"], clock.now)
    database = app.extensions["party.database"]
    left = str(
        [database.all(f"SELECT * FROM {table}") for table in ("party_report_counts", "party_reported_pairs")]
    )
    for secret in (host.code, "guest", "127.0.0.1", guest.token):
        assert secret not in left


# How it is shown


def test_statistics_and_metrics_show_the_same(app: Flask, client: Api, clock: Clock) -> None:
    outcomes = [("open", None, ms) for ms in (90, 150, 250, 250, 2_500)] + [
        ("relayed", "ice-failed", 9_000),
        ("failed", "no-answer", None),
        ("gave-up", "sleeping", 600_000),
    ]
    host = client.create_room(hostId="host")
    for outcome, reason, ms in outcomes:
        report(client.join(host.code), {"peerId": "host", "outcome": outcome, "reason": reason, "ms": ms})
    assert app.extensions["party.database"].read(lambda tx: figures.by_day(tx, clock.now)) == {
        DAY: {
            "pairs": 8,
            "open %": 62,
            "relayed %": 12,
            "failed %": 12,
            "gave-up %": 12,
            "unreported": 0,
            "median ms": 300,
            "95 % ms": 600_000,
            "ice-failed": 1,
            "no-answer": 1,
            "sleeping": 1,
        }
    }
    text = client.request("GET", "/metrics").text
    assert 'party_connections_total{outcome="open",reason=""} 5.0' in text
    assert 'party_connections_total{outcome="relayed",reason="ice-failed"} 1.0' in text
    assert 'party_connection_seconds_bucket{le="0.3"} 4.0' in text
    assert "party_connection_seconds_count 7.0" in text
    assert f"party_connection_seconds_sum {(90 + 150 + 500 + 2500 + 9000 + 600_000) / 1000}" in text
    assert "party_connections_unreported_total 0.0" in text


def test_without_reports_there_is_no_line(app: Flask, client: Api) -> None:
    assert app.extensions["party.database"].read(lambda tx: figures.by_day(tx, 0)) == {}
    assert "party_connections_unreported_total 0.0" in client.request("GET", "/metrics").text


@pytest.mark.parametrize(
    ("times", "share", "expected"),
    [([], 0.5, None), ([100], 0.5, 100), ([100, 200, 300], 0.5, 200), ([100] * 95 + [5000] * 5, 0.95, 100)],
)
def test_percentiles_are_the_ends_of_buckets(times: list[int], share: float, expected: int | None) -> None:
    counts = Counter(f"ms {ms}" for ms in times)
    assert figures.percentile(counts, share) == expected


def test_the_documents_name_it(client: Api) -> None:
    document = client.request("GET", "/openapi.json").json
    names = [
        each["name"] for each in document["paths"]["/signal/{code}/{participant_id}"]["get"]["parameters"]
    ]
    assert "X-Party-Report" in names
    for model in ("SendOne", "SendSeveral", "SendNothing"):
        assert re.search("Report", str(document["components"]["schemas"][model]["properties"]["reports"]))
