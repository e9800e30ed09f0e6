"""What every answer has: the envelope, an id, safe headers; CORS, proxies, static files, the mount point."""

import http.client
import re
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder, run_wsgi_app

from party.db import Database
from tests.conftest import MakeApp, MakeServer
from tests.support.peers import Api
from tests.support.server import ROOT

ORIGIN = "https://page.example"
FILES = ROOT / "party" / "static"
STATIC = sorted(path.relative_to(FILES) for path in FILES.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "NOT_FOUND"),
        ("GET", "/rooms/ABCDEF/nothing", 404, "NOT_FOUND"),
        ("GET", "/rooms/ABCDEF/", 404, "NOT_FOUND"),
        ("GET", "//rooms/ABCDEF", 404, "NOT_FOUND"),
        ("POST", "/rooms/", 404, "NOT_FOUND"),
        ("GET", "/static/../app.py", 404, "NOT_FOUND"),
        ("GET", "/static/%2e%2e/app.py", 404, "NOT_FOUND"),
        ("GET", "/static/nothing.js", 404, "NOT_FOUND"),
        ("GET", "/static/", 404, "NOT_FOUND"),
        ("DELETE", "/rooms", 405, "METHOD_NOT_ALLOWED"),
        ("PUT", "/rooms", 405, "METHOD_NOT_ALLOWED"),
        ("PATCH", "/rooms/ABCDEF", 405, "METHOD_NOT_ALLOWED"),
        ("POST", "/health", 405, "METHOD_NOT_ALLOWED"),
        ("DELETE", "/signal", 405, "METHOD_NOT_ALLOWED"),
        ("BREW", "/rooms", 405, "METHOD_NOT_ALLOWED"),
    ],
)
def test_failures_of_the_framework_come_in_the_envelope_too(
    client: Api, method: str, path: str, status: int, code: str
) -> None:
    answer = client.request(method, path)
    assert (answer.status, answer.code) == (status, code)
    if status == 405:
        assert answer.headers["Allow"]


def test_a_bug_is_answered_with_an_id_that_the_log_has_too(server: MakeServer, database_url: str) -> None:
    running = server(workers=1)
    host = Api.of_url(running.url).create_room()
    # What no version of the app has ever written.
    Database(database_url).write(lambda tx: tx.run("UPDATE party_rooms SET created_at = 10 * 9e17"))
    answer = host.call("GET")
    assert (answer.status, answer.code) == (500, "INTERNAL")
    assert "9000000" not in answer.text
    request_id = answer.error["requestId"]
    assert answer.headers["X-Request-Id"] == request_id
    (line,) = [line for line in running.log.splitlines() if request_id in line]
    assert f"ERROR {request_id} party: Exception on /rooms/{host.code} [GET]" in line
    assert "Traceback" in running.log


def test_every_answer_has_an_id_of_its_own_whatever_the_client_sends(client: Api) -> None:
    sent = {"X-Request-Id": "forged"}
    ids = [client.request("GET", "/health", headers=sent).headers["X-Request-Id"] for _ in range(3)]
    assert len({*ids, "forged"}) == 4


def test_answers_are_compact_json_in_utf_8(client: Api) -> None:
    answer = client.request("POST", "/rooms", {"hostName": "Zoë"})
    assert answer.headers["Content-Type"] == "application/json"
    assert "Zoë" in answer.text
    assert '": ' not in answer.text


def test_head_is_get_without_a_body(client: Api) -> None:
    answer = client.request("HEAD", "/health")
    assert (answer.status, answer.text) == (200, "")


# CORS


def test_without_configured_origins_no_other_site_may_call(client: Api) -> None:
    for method, path in (("GET", "/health"), ("OPTIONS", "/rooms"), ("GET", "/nothing")):
        answer = client.request(method, path, headers={"Origin": ORIGIN})
        assert not [name for name in answer.headers if name.startswith("Access-Control-")]


def test_only_configured_origins_may_call(make_app: MakeApp) -> None:
    client = Api.of_app(make_app(ALLOWED_ORIGINS=f"{ORIGIN},http://localhost:3000"))
    for origin in (ORIGIN, "http://localhost:3000"):
        answer = client.request("GET", "/health", headers={"Origin": origin})
        assert answer.headers["Access-Control-Allow-Origin"] == origin
        assert answer.headers["Vary"] == "Origin"
        exposed = answer.headers["Access-Control-Expose-Headers"]
        assert {name.strip() for name in exposed.split(",")} == {
            "Retry-After",
            "X-Request-Id",
            "X-RateLimit-Limit",
            "X-RateLimit-Remaining",
            "X-RateLimit-Reset",
        }
    for origin in (
        "https://evil.example",
        f"{ORIGIN}.evil.example",
        "http://page.example",
        "null",
        ORIGIN[:-1],
    ):
        for method in ("GET", "OPTIONS"):
            answer = client.request(
                method, "/rooms/ABCDEF", headers={"Origin": origin, "Access-Control-Request-Method": "GET"}
            )
            assert "Access-Control-Allow-Origin" not in answer.headers, origin


@pytest.mark.parametrize("path", ["/rooms", "/rooms/ABCDEF", "/signal", "/signal/ABCDEF/x", "/nothing"])
def test_a_preflight_allows_what_the_client_needs(make_app: MakeApp, path: str) -> None:
    client = Api.of_app(make_app(ALLOWED_ORIGINS=ORIGIN))
    for method in ("GET", "POST", "DELETE"):
        # Also for an address that does not exist: the page shall see the 404 itself.
        answer = client.request(
            "OPTIONS",
            path,
            headers={
                "Origin": ORIGIN,
                "Access-Control-Request-Method": method,
                "Access-Control-Request-Headers": "authorization,content-type,x-party-after,x-party-body,"
                "x-party-wait",
            },
        )
        assert answer.status in (200, 204)
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert answer.headers["Access-Control-Max-Age"] == "7200"
        allowed = {name.strip() for name in answer.headers["Access-Control-Allow-Methods"].split(",")}
        assert method in allowed
        headers = {name.strip().lower() for name in answer.headers["Access-Control-Allow-Headers"].split(",")}
        assert headers >= {
            "authorization",
            "content-type",
            "x-party-after",
            "x-party-body",
            "x-party-wait",
        }


def test_failures_reach_the_page_of_an_allowed_origin(make_app: MakeApp) -> None:
    client = Api.of_app(make_app(ALLOWED_ORIGINS=ORIGIN, LOOKS_PER_MINUTE=1))
    client.request("GET", "/rooms/ABCDEF")
    for path, status in (("/nothing", 404), ("/rooms/ABCDEF", 429), ("/signal", 405)):
        answer = client.request("GET", path, headers={"Origin": ORIGIN})
        assert answer.status == status
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN


def test_an_origin_may_be_an_ipv6_address(make_app: MakeApp) -> None:
    client = Api.of_app(make_app(ALLOWED_ORIGINS="http://[::1]:8000"))
    answer = client.request("GET", "/health", headers={"Origin": "http://[::1]:8000"})
    assert answer.headers["Access-Control-Allow-Origin"] == "http://[::1]:8000"


def test_any_origin_never_goes_together_with_credentials(make_app: MakeApp) -> None:
    client = Api.of_app(make_app(ALLOWED_ORIGINS="*"))
    answer = client.request("GET", "/health", headers={"Origin": ORIGIN})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers


# Static files and the page


@pytest.mark.parametrize("file", STATIC, ids=str)
def test_static_files_can_be_imported_from_any_site_and_cached(client: Api, file: Path) -> None:
    answer = client.request("GET", f"/static/{file}", headers={"Origin": ORIGIN})
    assert answer.status == 200
    assert answer.text == (FILES / file).read_text()
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert (
        answer.headers["Content-Type"].partition(";")[0]
        == {
            ".js": "text/javascript",
            ".ts": "text/plain",
            ".css": "text/css",
            ".svg": "image/svg+xml",
            ".json": "application/json",
        }[file.suffix]
    )
    etag = answer.headers["ETag"]
    again = client.request("GET", f"/static/{file}", headers={"If-None-Match": etag})
    assert (again.status, again.text) == (304, "")


def test_the_page_loads_nothing_from_elsewhere(make_app: MakeApp) -> None:
    answer = Api.of_app(make_app(DEMO=True)).request("GET", "/")
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', answer.text)


def test_without_the_demo_the_page_tells_what_this_is_and_whether_it_is_well(make_app: MakeApp) -> None:
    app = make_app(DEMO=False)
    answer = Api.of_app(app).request("GET", "/")
    assert answer.status == 200
    assert "Party" in answer.text
    assert "It is well" in answer.text
    assert "form" not in answer.text
    ledger = app.extensions["party.database"]
    ledger.write(lambda tx: tx.run("UPDATE party_schema_migrations SET applied_at = NULL WHERE version = 1"))
    try:
        behind = Api.of_app(app).request("GET", "/")
    finally:
        ledger.write(lambda tx: tx.run("UPDATE party_schema_migrations SET applied_at = 1 WHERE version = 1"))
    assert behind.status == 503
    assert "schema" in behind.text


# Where the service is mounted, and who the client is


def test_the_service_may_be_mounted_anywhere(server: MakeServer) -> None:
    running = server(workers=1, mount="/some/party", DEMO=True)
    api = Api.of_url(running.url)
    host = api.create_room()
    guest = api.join(host.code)
    host.send(guest, {"n": 1})
    assert guest.read()[-1]["payload"] == {"n": 1}
    page = api.request("GET", "/").text
    assert 'src="/some/party/static/page' in page
    assert 'content="/some/party/"' in page
    assert api.request("GET", "/static/party.js").status == 200


def key_of(app: Flask, address: str, forwarded: str | None) -> int:
    """Whose limit a look-up counts against: how many it has left afterwards."""
    headers = Headers() if forwarded is None else Headers({"X-Forwarded-For": forwarded})
    builder = EnvironBuilder(
        path="/rooms/ABCDEF", headers=headers, environ_overrides={"REMOTE_ADDR": address}
    )
    _, _, answer_headers = run_wsgi_app(app, builder.get_environ(), buffered=True)
    return int(answer_headers["X-RateLimit-Remaining"])


def test_without_trusted_proxies_no_header_changes_the_address(make_app: MakeApp) -> None:
    app = make_app(LOOKS_PER_MINUTE=10)
    for left, forwarded in ((9, None), (8, "203.0.113.9"), (7, "203.0.113.10, 198.51.100.1"), (6, "x")):
        assert key_of(app, "192.0.2.1", forwarded) == left
    assert key_of(app, "192.0.2.2", "192.0.2.1") == 9


def test_with_two_proxies_the_second_address_from_the_right_counts(make_app: MakeApp) -> None:
    app = make_app(LOOKS_PER_MINUTE=10, TRUSTED_PROXIES=2)
    assert key_of(app, "10.0.0.1", "203.0.113.9, 10.0.0.2") == 9
    # What the client made up stands further left and never counts.
    assert key_of(app, "10.0.0.1", "1.1.1.1, 2.2.2.2, 203.0.113.9, 10.0.0.2") == 8
    assert key_of(app, "10.0.0.7", "203.0.113.9, 10.0.0.3") == 7
    # A quote that is never closed does not lead astray.
    assert key_of(app, "10.0.0.1", '1.1.1.1, ", 203.0.113.9, 10.0.0.2') == 6
    assert key_of(app, "10.0.0.1", '"1.1.1.1, 203.0.113.9:4711, 10.0.0.2') == 5
    # Too few: the header did not pass through both, so it is not believed.
    assert key_of(app, "203.0.113.9", "5.5.5.5") == 4
    assert key_of(app, "203.0.113.9", "nonsense, 5.5.5.5") == 3


def test_of_an_ipv6_network_all_addresses_are_one_client(make_app: MakeApp) -> None:
    app = make_app(LOOKS_PER_MINUTE=10)
    assert key_of(app, "2001:db8:1:2::1", None) == 9
    assert key_of(app, "2001:db8:1:2:ffff:ffff:ffff:ffff", None) == 8
    assert key_of(app, "2001:db8:1:3::1", None) == 9
    assert key_of(app, "::ffff:192.0.2.1", None) == 9
    assert key_of(app, "192.0.2.1", None) == 8


def test_a_body_of_unknown_length_is_bounded_too(server: MakeServer) -> None:
    running = server(workers=1)
    for size, status in ((100, 201), (1024 * 1024, 201), (1024 * 1024 + 1, 413)):
        connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=30)
        body = b'{"hostName": "Hana"}'.ljust(size)
        chunks = (body[start : start + 65_536] for start in range(0, size, 65_536))
        try:
            connection.request(
                "POST", "/rooms", chunks, {"Content-Type": "application/json"}, encode_chunked=True
            )
            response = connection.getresponse()
            assert response.status == status
            assert response.headers["Content-Type"] == "application/json"
        finally:
            connection.close()
