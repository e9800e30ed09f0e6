"""A server of one's own, with the units, gunicorn's settings and the sites that are shipped.

A real nginx and a real Apache, with TLS, stand before the service, at / and at /party.
"""

import json
import re
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from socket import create_connection

import pytest
import requests
from requests.adapters import HTTPAdapter

from party.web.models import MAX_BODY_BYTES
from tests.support.apache import Account
from tests.support.mariadb import MariaDB
from tests.support.processes import needs
from tests.support.reverse_proxy import ApacheProxy, Nginx, ReverseProxy
from tests.support.server import ROOT
from tests.support.unit import CLONE, SERVICE, SOCKET, Unit, lines, wait_until_healthy

SERVERS = [Nginx, ApacheProxy]
MOUNT = "/party"

_addresses = count(1)


class Visitor(requests.Session):
    """A browser's view: one address of the loopback network that nobody else has, and TLS checked."""

    def __init__(self, proxy: ReverseProxy) -> None:
        super().__init__()
        number = next(_addresses)
        self.address = f"127.77.{number // 250}.{number % 250 + 1}"
        # The environment may name authorities of its own.
        self.trust_env = False
        self.verify = str(proxy.authority)
        adapter = HTTPAdapter()
        adapter.init_poolmanager(1, 1, source_address=(self.address, 0))
        self.mount("https://", adapter)

    def remaining(self, site: "Site") -> dict[str, int]:
        """What is left of this address's limits."""
        answer = self.get(f"{site.url}/limits", timeout=30)
        return {limit["action"]: limit["remaining"] for limit in answer.json()["data"]["limits"]}


@dataclass
class Site:
    """The service behind a web server."""

    unit: Unit
    proxy: ReverseProxy
    mount: str = ""

    @property
    def url(self) -> str:
        return self.proxy.url

    def visitor(self) -> Visitor:
        return Visitor(self.proxy)


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    """The service's own user."""
    user = Account()
    yield user
    user.remove()


@pytest.fixture(scope="module")
def unit(account: Account) -> Iterator[Unit]:
    """Shared by the tests of a process: each visitor has an address of its own."""
    with Unit(account, environment={"SCRIPT_NAME": MOUNT}) as running:
        yield running


@pytest.fixture(scope="module", params=SERVERS)
def site(request: pytest.FixtureRequest, unit: Unit) -> Iterator[Site]:
    """The shared service at /party."""
    with request.param(unit.socket, MOUNT) as proxy:
        yield Site(unit, proxy, MOUNT)


@pytest.fixture(params=SERVERS)
def root_site(request: pytest.FixtureRequest, account: Account) -> Iterator[Site]:
    """A service at / for one test, that does with it what it likes."""
    # With one worker, it is complete as soon as it answers.
    with Unit(account, environment={"WEB_CONCURRENCY": "1"}) as unit, request.param(unit.socket) as proxy:
        yield Site(unit, proxy)


def test_the_service_answers_with_its_request_id(site: Site) -> None:
    answer = site.visitor().get(f"{site.url}/health", timeout=30)
    assert answer.status_code == 200
    assert answer.json()["data"]["status"] == "ok"
    assert re.fullmatch("[0-9a-f]{16}", answer.headers["X-Request-Id"])


def test_the_page_finds_its_files_where_the_site_is_mounted(site: Site) -> None:
    visitor = site.visitor()
    page = visitor.get(f"{site.url}/", timeout=30).text
    files = re.findall(r'(?:href|src)="([^"]+)"', page)
    assert files
    assert all(file.startswith(f"{site.mount}/static/") for file in files)
    assert {visitor.get(f"{site.proxy.site}{file}", timeout=30).status_code for file in files} == {200}


@pytest.mark.parametrize(
    "forged",
    [
        ["X-Forwarded-For: 192.0.2.7"],
        ["X-Forwarded-For: 192.0.2.7, 192.0.2.8"],
        ["X-Forwarded-For: 192.0.2.7", "X-Forwarded-For: 192.0.2.8"],
        ['X-Forwarded-For: "192.0.2.7'],
        ["X_Forwarded_For: 192.0.2.7"],
        ["X-Forwarded-For: 192.0.2.7", "Connection: X-Forwarded-For"],
        ["Forwarded: for=192.0.2.7", "X-Real-IP: 192.0.2.7"],
    ],
    ids=lambda headers: "; ".join(headers),
)
def test_whatever_addresses_a_client_makes_up_its_own_is_counted(site: Site, forged: list[str]) -> None:
    visitor, other = site.visitor(), site.visitor()
    before = visitor.remaining(site)["create_room"]
    status = _raw_request(site, visitor.address, "POST", "/rooms", forged, b'{"hostName": "Hana"}')
    assert status == 201
    assert visitor.remaining(site)["create_room"] == before - 1
    assert other.remaining(site)["create_room"] == before


@pytest.mark.parametrize("header", ["SCRIPT_NAME: /rooms", "PATH_INFO: /limits", "X-Forwarded-Ssl: off"])
def test_a_header_cannot_move_the_mount_point(site: Site, header: str) -> None:
    assert _raw_request(site, site.visitor().address, "GET", "/health", [header]) == 200


def test_the_token_arrives_and_stays_out_of_the_logs(site: Site) -> None:
    visitor = site.visitor()
    room = visitor.post(f"{site.url}/rooms", json={"hostName": "Hana"}, timeout=30).json()["data"]
    token = room["you"]["token"]
    path = f"{site.url}/rooms/{room['code']}"
    seen = visitor.get(path, headers={"Authorization": f"Bearer {token}"}, timeout=30)
    assert seen.json()["data"]["you"]["role"] == "host"
    deadline = time.monotonic() + 10
    while room["code"] not in site.proxy.log:  # it writes when the answer is out
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert token not in site.proxy.log + site.unit.log


@pytest.mark.parametrize("excess", [1, 500_000])
def test_the_app_itself_says_that_a_body_is_too_large(site: Site, excess: int) -> None:
    body = b" " * (MAX_BODY_BYTES + excess)
    headers = {"Content-Type": "application/json"}
    answer = site.visitor().post(f"{site.url}/rooms", data=body, headers=headers, timeout=30)
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "TOO_LARGE"


def test_what_is_far_too_large_the_web_server_refuses_before_it_is_sent(site: Site) -> None:
    with _connection(site, site.visitor().address) as connection:
        connection.sendall(_head(site, "POST", "/rooms", ["Content-Length: 10000000"]))
        with connection.makefile("rb") as answer:
            assert answer.readline().split()[1] == b"413"


def test_the_largest_body_that_is_allowed_passes(site: Site) -> None:
    body = json.dumps({"hostName": "Hana"}).encode().ljust(MAX_BODY_BYTES)
    headers = {"Content-Type": "application/json"}
    assert site.visitor().post(f"{site.url}/rooms", data=body, headers=headers, timeout=30).status_code == 201


# How a body of 400,000 bytes is announced; its first half comes at once, the rest does not.
SLOW_BODIES = {
    "with its length": ["Content-Length: 400000"],
    "in chunks": ["Transfer-Encoding: chunked"],
    "after asking": ["Content-Length: 400000", "Expect: 100-continue"],
}


@pytest.mark.parametrize("headers", SLOW_BODIES.values(), ids=SLOW_BODIES.keys())
def test_slow_bodies_occupy_nobody_but_the_web_server(site: Site, headers: list[str]) -> None:
    threads = 20  # more than the service has
    before = site.unit.connections
    with ExitStack() as stack:
        for _ in range(threads):
            connection = stack.enter_context(_connection(site, site.visitor().address))
            connection.sendall(_head(site, "POST", "/rooms", headers))
            if "Expect: 100-continue" in headers:
                assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
            half = b" " * 200_000
            if "Transfer-Encoding: chunked" in headers:
                half = b"%x\r\n%s\r\n" % (len(half), half)
            with suppress(ConnectionError):  # Apache refuses chunks
                connection.sendall(half)
        for _ in range(30):
            assert site.visitor().get(f"{site.url}/health", timeout=10).status_code == 200
            # Those of the web server's kept connections, one or two of which our own requests use.
            assert site.unit.connections < before + threads


@pytest.mark.parametrize("path", ["/openapi.json", "/static/party.js", "/static/page/page.css", "/"])
def test_large_answers_are_compressed(site: Site, path: str) -> None:
    answer = site.visitor().get(f"{site.url}{path}", headers={"Accept-Encoding": "gzip"}, timeout=30)
    assert answer.status_code == 200
    assert answer.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in answer.headers["Vary"]


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_a_browser_that_has_a_file_is_not_sent_it_again(site: Site, encoding: str) -> None:
    visitor, url = site.visitor(), f"{site.url}/static/party.js"
    headers = {"Accept-Encoding": encoding}
    etag = visitor.get(url, headers=headers, timeout=30).headers["ETag"]
    again = visitor.get(url, headers={**headers, "If-None-Match": etag}, timeout=30)
    assert (again.status_code, again.content) == (304, b"")


def test_the_web_server_keeps_its_connections_to_the_app(site: Site) -> None:
    visitor = site.visitor()
    for _ in range(30):
        visitor.get(f"{site.url}/limits", timeout=30)
    assert 1 <= site.unit.connections <= 16


def test_browsers_are_offered_http_2(site: Site) -> None:
    context = ssl.create_default_context(cafile=str(site.proxy.authority))
    context.set_alpn_protocols(["h2", "http/1.1"])
    with (
        create_connection(("127.0.0.1", site.proxy.port), timeout=30) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        assert connection.selected_alpn_protocol() == "h2"


def test_plain_http_serves_the_challenges_of_certbot_and_leads_everybody_else_to_https(site: Site) -> None:
    site.proxy.challenge("token", "proof")
    path = "/.well-known/acme-challenge/token"
    assert requests.get(f"{site.proxy.http}{path}", timeout=30).text == "proof"
    answer = requests.get(f"{site.proxy.http}/rooms/ABC?x=1", allow_redirects=False, timeout=30)
    assert (answer.status_code, answer.headers["Location"]) == (301, "https://localhost/rooms/ABC?x=1")


def test_a_reload_replaces_the_workers_and_no_request_fails(root_site: Site) -> None:
    visitor = root_site.visitor()
    wait_until_healthy(visitor, root_site.url)
    before = root_site.unit.worker_pids
    statuses: list[int] = []
    done = threading.Event()

    def poll() -> None:
        session = root_site.visitor()
        while not done.is_set():
            statuses.append(session.get(f"{root_site.url}/limits", timeout=30).status_code)
            time.sleep(0.02)  # below what one address may ask for in a second

    pollers = [threading.Thread(target=poll) for _ in range(4)]
    for poller in pollers:
        poller.start()
    try:
        assert root_site.unit.reload() == 0
        while before & root_site.unit.worker_pids:
            visitor.get(f"{root_site.url}/health", timeout=30)
    finally:
        done.set()
        for poller in pollers:
            poller.join()
    assert root_site.unit.worker_pids
    assert set(statuses) == {200}


@pytest.mark.parametrize("root_site", [Nginx], indirect=True)
def test_a_reload_with_a_broken_setting_fails_and_the_old_workers_go_on(root_site: Site) -> None:
    visitor = root_site.visitor()
    wait_until_healthy(visitor, root_site.url)
    before = root_site.unit.worker_pids
    root_site.unit.configure(ROOMS_PER_HUOR=3)
    assert root_site.unit.reload() != 0
    assert root_site.unit.worker_pids == before
    wait_until_healthy(visitor, root_site.url)


def test_an_app_that_comes_back_is_reached_at_once(root_site: Site) -> None:
    visitor = root_site.visitor()
    assert "/static/page/page." in visitor.get(f"{root_site.url}/", timeout=30).text
    root_site.unit.stop()
    for _ in range(3):
        assert visitor.get(f"{root_site.url}/health", timeout=30).status_code in (502, 503)
    root_site.unit.start()
    assert visitor.get(f"{root_site.url}/health", timeout=30).status_code == 200


def test_the_service_needs_no_password_for_mariadb(account: Account, mariadb: MariaDB) -> None:
    urls = mariadb.create_database("party_vps")
    user = f"{account.name}@localhost"
    mariadb.folder.chmod(0o755)
    mariadb.execute(
        f"CREATE USER {user} IDENTIFIED VIA unix_socket",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON party_vps.* TO {user}",
    )
    url = f"mysql://{account.name}@localhost/party_vps?unix_socket={mariadb.socket}"
    try:
        with Unit(account, admin_url=urls.admin, DATABASE_URL=url) as unit, Nginx(unit.socket) as proxy:
            wait_until_healthy(Visitor(proxy), proxy.url)
    finally:
        mariadb.execute("DROP DATABASE party_vps", f"DROP USER {user}")


def test_systemd_finds_no_fault_with_the_units(unit: Unit, tmp_path: Path) -> None:
    analyze = needs("systemd-analyze", "systemd")
    units = [tmp_path / file.name for file in (SERVICE, SOCKET)]
    for shipped, here in zip((SERVICE, SOCKET), units, strict=True):
        here.write_text(shipped.read_text().replace(CLONE, str(unit.clone)))
    verified = subprocess.run([analyze, "verify", *units], capture_output=True, text=True, check=False)
    assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")
    tenths = 10
    subprocess.run([analyze, "security", "--offline=true", f"--threshold={tenths}", SERVICE], check=True)


def test_units_sites_and_settings_name_the_same_socket_and_the_files_that_there_are() -> None:
    (path,) = lines(SOCKET, "ListenStream")
    for name in ("deploy/nginx.conf", "deploy/apache.conf"):
        assert f"unix:{path}" in (ROOT / name).read_text()
    for command in lines(SERVICE, "ExecStart") + lines(SERVICE, "ExecReload"):
        for config in re.findall(r"--config (\S+)", command):
            assert (ROOT / config).is_file()
        for module in re.findall(r"(\w+):application", command):
            assert (ROOT / f"{module}.py").is_file()


def _raw_request(
    site: Site, address: str, method: str, path: str, headers: list[str], body: bytes = b""
) -> int:
    """The status that answers a request whose headers stand exactly as given."""
    if not any(header.startswith("Connection:") for header in headers):
        headers = [*headers, "Connection: close"]
    headers = [*headers, f"Content-Length: {len(body)}"]
    with _connection(site, address) as connection:
        connection.sendall(_head(site, method, path, headers) + body)
        with connection.makefile("rb") as answer:
            return int(answer.readline().split()[1])


def _connection(site: Site, address: str) -> ssl.SSLSocket:
    """A connection from this address, its certificate checked."""
    context = ssl.create_default_context(cafile=str(site.proxy.authority))
    plain = create_connection(("127.0.0.1", site.proxy.port), 30, source_address=(address, 0))
    return context.wrap_socket(plain, server_hostname="localhost")


def _head(site: Site, method: str, path: str, headers: list[str]) -> bytes:
    """A request up to its body, which is JSON."""
    lines = [f"{method} {site.mount}{path} HTTP/1.1", "Host: localhost", *headers]
    return "\r\n".join([*lines, "Content-Type: application/json", "", ""]).encode()
