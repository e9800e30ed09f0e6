"""Behind Apache and Passenger at /party, as shared hosts run the app: what is served, and what is not."""

import gzip
import http.client
import json
import os
import random
import re
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args
from urllib.parse import unquote

import pytest

from party import create_app
from party.config import load_settings
from party.db.migrate import migrate
from party.ops.exposure import PROBES, refused
from party.web.models import MAX_BODY_BYTES
from tests.conftest import GENEROUS
from tests.support.apache import WORDPRESS_ANSWERED, Apache, Layout, Php
from tests.support.mariadb import DatabaseUrls, MariaDB
from tests.support.peers import Api, Seat
from tests.support.server import ROOT

SETTINGS: dict[str, Any] = {**GENEROUS, "STUN_URLS": [], "ALLOWED_ORIGINS": ["https://pages.example"]}
MARK = "# nobody may read this\n"
DEADLINE_SECONDS = 60


@dataclass(frozen=True)
class Reply:
    """An answer as it came over the wire."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """The error's code in our envelope; empty where the answer is not ours."""
        try:
            code: str = json.loads(self.body)["error"]["code"]
        except (ValueError, KeyError, TypeError):
            return ""
        return code


def ask(apache: Apache, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Reply:
    """One request on a connection of its own, its path sent exactly as it stands."""
    connection = http.client.HTTPConnection("127.0.0.1", apache.port, timeout=DEADLINE_SECONDS)
    try:
        return ask_on(connection, path, method, body, **headers)
    finally:
        connection.close()


def ask_on(
    connection: http.client.HTTPConnection,
    path: str,
    method: str = "GET",
    body: bytes | None = None,
    **headers: str,
) -> Reply:
    """The same on a connection that is there already; of header names the `_` become `-`."""
    connection.putrequest(method, path, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name.replace("_", "-"), value)
    if body is not None:
        connection.putheader("Content-Length", str(len(body)))
        connection.putheader("Content-Type", "application/json")
    connection.endheaders(body)
    response = connection.getresponse()
    return Reply(response.status, dict(response.getheaders()), response.read())


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Wait for a condition that others bring about."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def apache() -> Iterator[Apache]:
    """The app in the recommended layout, on SQLite, for the tests that only ask it something."""
    with Apache("outside") as running:
        running.put_app(**SETTINGS)
        yield running


@pytest.fixture(scope="module", params=get_args(Layout))
def layout(request: pytest.FixtureRequest) -> Layout:
    """The layout that this run of the test is for."""
    name: Layout = request.param
    return name


@pytest.fixture(scope="module")
def hosted(layout: Layout) -> Iterator[Apache]:
    """The app in this layout."""
    with Apache(layout) as running:
        running.put_app(**SETTINGS)
        yield running


# --- what is refused ---------------------------------------------------------------------------------


def test_whatever_lies_in_the_folder_is_refused(hosted: Apache) -> None:
    plant_secrets(hosted)
    assert len(PROBES) >= 80
    assert exposed(hosted) == {}
    assert ask(hosted, "/party/health").status == 200


def test_whatever_lies_in_the_folder_is_refused_where_passenger_does_not_run(layout: Layout) -> None:
    with Apache(layout, passenger=False) as apache:
        apache.put_app(migrate=False, **SETTINGS)
        plant_secrets(apache)
        assert exposed(apache) == {}
        assert refused(ask(apache, "/party/").status)


def test_without_the_htaccess_the_probes_would_find_something() -> None:
    with Apache("inside", passenger=False) as apache:
        apache.put_app(migrate=False, **SETTINGS)
        plant_secrets(apache)
        (apache.public / ".htaccess").unlink()
        found = exposed(apache)
        assert len(found) > len(PROBES) * 0.8
        assert {"config.py", ".env", ".git/config", "instance/secret_key", "static/%2e%2e/config.py"} <= set(
            found
        )


def test_the_htaccess_holds_no_directive_of_passenger() -> None:
    lines = (ROOT / ".htaccess").read_text().splitlines()
    assert lines[0] == "# BEGIN Party"
    assert lines[-1] == "# END Party"
    assert [line for line in lines if line.strip().startswith("Passenger")] == []


def exposed(apache: Apache) -> dict[str, int]:
    """The probes that were not refused, with their status; none of the rest may show a file's content."""
    found = {}
    for probe in PROBES:
        reply = ask(apache, f"/party/{probe}")
        if not refused(reply.status):
            found[probe] = reply.status
        else:
            assert MARK.encode() not in reply.body, probe
    return found


def plant_secrets(apache: Apache) -> None:
    """Put into the app root whatever a probe asks for, readable by the web server, and a release."""
    root = apache.app_root
    release = root / "releases/0.1.0"
    for name in ("party", "migrations"):
        shutil.copytree(root / name, release / name, dirs_exist_ok=True)
    shutil.copy(root / "app.py", release)
    (root / "releases/0.1.0.json").write_text('{"files": {}}')
    (root / "current").write_text("0.1.0\n")
    for probe in sorted(PROBES, key=len, reverse=True):  # `.git/config` before `.git`
        path = os.path.normpath(unquote(probe.partition("?")[0])).lstrip("/")
        target = root / path
        if (
            "\0" in path
            or path == "config"
            or target.exists()
            or any(parent.is_file() for parent in target.parents)
        ):
            continue  # there already, or a disguise of something that is
        if probe.endswith("/"):
            target.mkdir(parents=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(MARK)
    apache.account.own(root)
    for file in (root, *root.rglob("*")):
        file.chmod(file.stat().st_mode | (0o755 if file.is_dir() else 0o644))


# --- what is served ----------------------------------------------------------------------------------


def test_the_page_finds_its_files_under_the_mount_point(hosted: Apache) -> None:
    for address in ("/party", "/party/"):
        page = ask(hosted, address)
        assert page.status == 200
        links = re.findall(r'(?:href|src)="([^"#]+)"', page.body.decode())
        assert len(links) >= 3
        for link in links:
            assert link.startswith("/party/static/")
            assert ask(hosted, link).status == 200


def test_every_file_of_the_client_is_served(hosted: Apache) -> None:
    for path in (path for path in (ROOT / "party/static").rglob("*") if path.is_file()):
        reply = ask(hosted, f"/{path.relative_to(ROOT)}")
        assert (reply.status, reply.body) == (200, path.read_bytes()), path
        assert reply.headers["Access-Control-Allow-Origin"] == "*"


def test_an_index_file_in_the_folder_does_not_take_the_place_of_the_page(hosted: Apache) -> None:
    index = hosted.public / "index.php"
    index.write_text("<?php // of the site that was here before")
    try:
        assert b"<title>Party</title>" in ask(hosted, "/party/").body
        assert refused(ask(hosted, "/party/index.php").status)
    finally:
        index.unlink()


def test_an_unknown_path_gets_the_answer_of_the_app(hosted: Apache) -> None:
    for path in ("/party/nothing", "/party/nothing/", "/party/rooms/x//y", "/party/static/nothing.js"):
        reply = ask(hosted, path)
        assert (reply.status, reply.code) == (404, "NOT_FOUND"), path
        assert "X-Powered-By" not in reply.headers


def test_wordpress_gets_what_lies_beside_the_mount_point(hosted: Apache, layout: Layout) -> None:
    found = {
        path: WORDPRESS_ANSWERED.encode() in ask(hosted, path).body for path in ("/", "/post", "/partying")
    }
    assert found == dict.fromkeys(found, layout == "wordpress")


@pytest.mark.parametrize("php", get_args(Php))
def test_paths_of_the_php_backend_reach_the_app_where_php_runs(php: Php) -> None:
    with Apache("wordpress", php=php) as apache:
        apache.put_app(**SETTINGS)
        assert ask(apache, "/post").body == b"WordPress got /post"
        for path in (
            "/endpoints/signal.php",
            "/endpoints/signal.php/ABC234/x",
            "/endpoints/rooms.php",
            "/endpoints/rooms.php/ABC123",
            "/endpoints/rooms.php/ABC123/join",
        ):
            for method in ("GET", "POST"):
                reply = ask(apache, f"/party{path}", method, b"{}")
                assert reply.headers["X-Request-Id"], (method, path)
                assert reply.code, (method, path)


# --- what reaches the app, and what comes back -------------------------------------------------------


def test_tokens_arrive_and_signals_come_through(apache: Apache) -> None:
    host = Api.of_url(apache.url).create_room("Hana")
    guest = Api.of_url(apache.url).join(host.code, "Gus")
    assert host.poll(host.seq).status == 200
    assert host.send(guest, {"sdp": "ä €"}).status == 201
    assert [message["payload"] for message in guest.read()] == [{"sdp": "ä €"}]
    host.token = guest.token
    assert host.poll(host.seq).code == "NOT_YOUR_ID"


def test_an_encoded_path_means_the_same_as_a_plain_one(apache: Apache) -> None:
    host = Api.of_url(apache.url).create_room("Hana", hostId="host-_1")
    encoded = "".join(f"%{ord(char):02X}" for char in host.code)
    assert ask(apache, f"/party/rooms/{encoded}").status == 200
    assert ask(apache, f"/party/rooms/{host.code[:3]}%{ord(host.code[3]):02x}{host.code[4:]}").status == 200
    path = f"/party/signal/{encoded}/%68ost%2D%5F1"
    assert ask(apache, path, Authorization=f"Bearer {host.token}").status == 200
    assert ask(apache, "/party/%72ooms/x%20y").code == "ROOM_NOT_FOUND"


@pytest.mark.parametrize(
    "path", ["rooms/%FF", "rooms/%C3%28", "rooms/%E2%82%AC", "rooms/a%25b", "rooms/%0D%0A"]
)
def test_an_oddly_encoded_path_is_unknown(apache: Apache, path: str) -> None:
    assert ask(apache, f"/party/{path}").code in ("ROOM_NOT_FOUND", "NOT_FOUND")


def test_a_connection_is_kept_for_the_next_request(apache: Apache) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", apache.port, timeout=DEADLINE_SECONDS)
    connection.connect()
    first = connection.sock
    assert first is not None
    for method, path, body in (
        ("GET", "/party/health", None),
        ("HEAD", "/party/health", None),
        ("DELETE", "/party/rooms/ABC234", b'{"unread": true}'),
        ("POST", "/party/rooms/ABC234/leave", b"{}"),
        ("GET", "/party/health", None),
    ):
        reply = ask_on(connection, path, method, body)
        assert reply.status < 500
        assert connection.sock is first, f"closed after {method} {path}"
    connection.close()


@pytest.mark.parametrize(
    "path",
    ["openapi.json", "health", "", "static/page/page.js", "static/page/page.css", "static/page/icon.svg"],
)
def test_texts_are_compressed_for_whoever_asks(apache: Apache, path: str) -> None:
    plain = ask(apache, f"/party/{path}")
    packed = ask(apache, f"/party/{path}", Accept_Encoding="gzip")
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert gzip.decompress(packed.body) == plain.body


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_a_browser_that_has_a_file_already_is_told_so(apache: Apache, encoding: str) -> None:
    first = ask(apache, "/party/static/page/page.js", Accept_Encoding=encoding)
    again = ask(
        apache, "/party/static/page/page.js", Accept_Encoding=encoding, If_None_Match=first.headers["ETag"]
    )
    assert (again.status, again.body) == (304, b"")


def test_a_head_request_gets_the_headers_only(apache: Apache) -> None:
    for path in ("/party/health", "/party/static/page/page.js"):
        reply = ask(apache, path, "HEAD")
        assert (reply.status, reply.body) == (200, b"")
        assert int(reply.headers["Content-Length"]) > 0


def test_another_site_may_call_only_if_it_is_configured(apache: Apache) -> None:
    def preflight(origin: str) -> dict[str, str]:
        reply = ask(
            apache,
            "/party/rooms",
            "OPTIONS",
            Origin=origin,
            Access_Control_Request_Method="POST",
            Access_Control_Request_Headers="authorization, content-type",
        )
        assert reply.status < 300
        return reply.headers

    allowed = preflight("https://pages.example")
    assert allowed["Access-Control-Allow-Origin"] == "https://pages.example"
    assert "POST" in allowed["Access-Control-Allow-Methods"]
    assert "authorization" in allowed["Access-Control-Allow-Headers"].lower()
    assert allowed["Access-Control-Max-Age"] == "7200"
    assert "Access-Control-Allow-Origin" not in preflight("https://elsewhere.example")


def test_a_room_is_ended_by_a_delete_with_a_body(apache: Apache) -> None:
    host = Api.of_url(apache.url).create_room("Hana")
    answer = host.call("DELETE", json={"reason": "over"})
    assert answer.data == {"ended": True}


def test_a_body_of_the_greatest_size_arrives(apache: Apache) -> None:
    body = b'{"hostName": "Hana"}'.ljust(MAX_BODY_BYTES)
    assert ask(apache, "/party/rooms", "POST", body).status == 201


@pytest.mark.parametrize("length", [MAX_BODY_BYTES + 1, 20 * MAX_BODY_BYTES])
def test_a_larger_body_is_refused_in_our_words(apache: Apache, length: int) -> None:
    reply = ask(apache, "/party/rooms", "POST", b'{"hostName": "Hana"}'.ljust(length))
    assert (reply.status, reply.code) == (413, "TOO_LARGE")


def test_a_larger_body_of_unknown_length_is_refused_in_our_words(apache: Apache) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", apache.port, timeout=DEADLINE_SECONDS)
    pieces = (b" " * 65_536 for _ in range(40))
    headers = {"Content-Type": "application/json"}
    connection.request("POST", "/party/rooms", pieces, headers, encode_chunked=True)
    response = connection.getresponse()
    assert response.status == 413
    assert json.loads(response.read())["error"]["code"] == "TOO_LARGE"
    connection.close()


# --- the database of a shared host -------------------------------------------------------------------


def put_app_on_mariadb(apache: Apache, urls: DatabaseUrls, **settings: object) -> None:
    """The app with its schema, which only the admin's user could make."""
    list(migrate(urls.admin))
    apache.put_app(migrate=False, **{**SETTINGS, "DATABASE_URL": urls.app, **settings})


@dataclass
class AppUser:
    """What the database server knows of the connections of one app's user."""

    server: MariaDB
    name: str

    def connections(self) -> list[int]:
        """Their numbers."""
        sql = f"SELECT id FROM information_schema.processlist WHERE user = '{self.name}_app'"
        return [row["id"] for row in self.server.query(sql)]

    def kill_connections(self) -> int:
        """End them all at once; how many there were."""
        found = self.connections()
        for number in found:
            self.server.execute(f"KILL {number}")
        return len(found)


@pytest.fixture
def impatient_mariadb(mariadb: MariaDB) -> Iterator[MariaDB]:
    """A server that closes connections which were idle for a second."""
    before = mariadb.query("SELECT @@GLOBAL.wait_timeout AS w, @@GLOBAL.interactive_timeout AS i")[0]
    mariadb.execute("SET GLOBAL wait_timeout = 1", "SET GLOBAL interactive_timeout = 1")
    yield mariadb
    mariadb.execute(
        f"SET GLOBAL wait_timeout = {before['w']}", f"SET GLOBAL interactive_timeout = {before['i']}"
    )


def test_after_an_idle_night_without_any_process_the_next_poll_works(impatient_mariadb: MariaDB) -> None:
    urls = impatient_mariadb.create_database("idle_ended")
    user = AppUser(impatient_mariadb, "idle_ended")
    night = ("PassengerPoolIdleTime 1",)
    with Apache(server_directives=night, directives=("PassengerMinInstances 0",)) as apache:
        put_app_on_mariadb(apache, urls)
        host = Api.of_url(apache.url).create_room("Hana")
        assert apache.app_pids
        wait_until(lambda: not apache.app_pids, "Passenger ends its processes")
        wait_until(lambda: not user.connections(), "the connections are closed")
        assert host.poll(host.seq).status == 200


def test_after_an_idle_night_a_process_that_survived_opens_new_connections(
    impatient_mariadb: MariaDB,
) -> None:
    urls = impatient_mariadb.create_database("idle_survived")
    user = AppUser(impatient_mariadb, "idle_survived")
    with Apache(processes=1) as apache:
        put_app_on_mariadb(apache, urls)
        host = Api.of_url(apache.url).create_room("Hana")
        process = apache.app_pids
        assert len(process) == 1
        wait_until(lambda: not user.connections(), "the server closes the connections")
        assert host.poll(host.seq).status == 200
        assert apache.app_pids == process


def test_connections_killed_between_two_polls_are_replaced(mariadb: MariaDB) -> None:
    urls = mariadb.create_database("killed")
    user = AppUser(mariadb, "killed")
    with Apache(processes=1) as apache:
        put_app_on_mariadb(apache, urls)
        host = Api.of_url(apache.url).create_room("Hana")
        for _ in range(3):
            assert host.poll(host.seq).status == 200
            assert user.kill_connections()
            assert host.poll().status == 200
            assert user.kill_connections()
            assert host.send("nobody").code == "PEER_NOT_FOUND"


@dataclass
class Crowd:
    """Members who all poll and send at once, and come again as long as they are sent away with a 503."""

    apache: Apache
    seats: list[Seat]
    rounds: int
    seen: Counter[str] = field(default_factory=Counter)
    strange: list[Reply] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> None:
        """Each member sends to the next in its room and then polls, `rounds` times."""
        start = threading.Barrier(len(self.seats))
        with ThreadPoolExecutor(len(self.seats)) as threads:
            for seat, neighbour in self._pairs():
                threads.submit(self._member, seat, neighbour, start).add_done_callback(
                    lambda done: done.result()
                )

    def _pairs(self) -> Iterator[tuple[Seat, Seat]]:
        rooms: dict[str, list[Seat]] = {}
        for seat in self.seats:
            rooms.setdefault(seat.code, []).append(seat)
        for members in rooms.values():
            yield from zip(members, [*members[1:], members[0]], strict=True)

    def _member(self, seat: Seat, neighbour: Seat, start: threading.Barrier) -> None:
        authorization = f"Bearer {seat.token}"
        poll = f"/party/signal/{seat.code}/{seat.id}"
        start.wait()
        for number in range(self.rounds):
            signal = {
                "roomCode": seat.code,
                "toId": neighbour.id,
                "type": "ice",
                "payload": {"number": number},
            }
            body = json.dumps({**signal, "clientMsgId": str(number)}).encode()
            self._until_served("/party/signal", "POST", body, Authorization=authorization)
            self._until_served(poll, "GET", None, Authorization=authorization)

    def _until_served(self, path: str, method: str, body: bytes | None, **headers: str) -> None:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < deadline:
            reply = ask(self.apache, path, method, body, **headers)
            with self._lock:
                self.seen[
                    f"{reply.status} {reply.code or ('' if reply.status < 300 else 'page')}".strip()
                ] += 1
                if reply.status not in (200, 201, 503) or re.search(rb"1226|max_user", reply.body):
                    self.strange.append(reply)
                if reply.code and reply.status == 503 and "Retry-After" not in reply.headers:
                    self.strange.append(reply)
            if reply.status < 300:
                return
            time.sleep(random.uniform(0.2, 1))
        self.lost.append(path)


def gather(urls: DatabaseUrls, folder: Path, rooms: int, members: int) -> list[Seat]:
    """Rooms full of members, made with the admin's user, to whom no limit applies."""
    values = {**GENEROUS, "DATABASE_URL": urls.admin}
    app = create_app(load_settings(folder, {f"PARTY_{name}": str(value) for name, value in values.items()}))
    api = Api.of_app(app)
    hosts = [api.create_room("Hana", maxParticipants=members) for _ in range(rooms)]
    guests = [api.join(host.code, f"Gus {number}") for host in hosts for number in range(members - 1)]
    return [*hosts, *guests]


@contextmanager
def six_processes(urls: DatabaseUrls) -> Iterator[Apache]:
    """The app in as many processes as Passenger starts at most, all of them running already."""
    with Apache(processes=6, directives=("PassengerMinInstances 6",)) as apache:
        put_app_on_mariadb(apache, urls)
        ask(apache, "/party/health")
        wait_until(lambda: len(apache.app_pids) == 6, "Passenger starts all its processes")
        yield apache


def test_two_hundred_at_once_share_fifteen_connections(mariadb: MariaDB, tmp_path: Path) -> None:
    urls = mariadb.create_database("crowded", max_user_connections=15)
    with six_processes(urls) as apache:
        crowd = Crowd(apache, gather(urls, tmp_path, rooms=10, members=20), rounds=3)
        crowd.run()
        assert crowd.strange == []
        assert crowd.lost == []
        assert "max_user_connections" not in apache.log
        for seat in crowd.seats:
            received = [m["payload"]["number"] for m in seat.read() if m["type"] == "ice"]
            assert received == [0, 1, 2]


def test_too_few_connections_are_a_clean_503_and_nobody_is_lost(mariadb: MariaDB, tmp_path: Path) -> None:
    urls = mariadb.create_database("starved", max_user_connections=2)
    with six_processes(urls) as apache:
        crowd = Crowd(apache, gather(urls, tmp_path, rooms=1, members=20), rounds=1)
        crowd.run()
        assert crowd.strange == []
        assert crowd.lost == []
        assert crowd.seen["503 UNAVAILABLE"]
        assert "max_user_connections" in apache.log
