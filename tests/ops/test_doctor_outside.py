"""What the doctor finds between visitors and the app: firewalls, other origins, time-outs, other sites."""

import re
from functools import partial
from http.server import ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from threading import Lock
from urllib.parse import unquote

import pytest

from party.ops import doctor
from party.ops.doctor import outside
from party.ops.doctor.installation import Installation
from tests.ops.test_doctor import (
    Deployment,
    Folder,
    Proxy,
    Serve,
    listening,
    on_sqlite,
    proxy,
    statuses,
)
from tests.ops.test_doctor import deployment as deployment
from tests.ops.test_doctor import serve as serve
from tests.support.server import ROOT

pytestmark = on_sqlite


class Firewall(Proxy):
    """Refuses bodies with certain words, and methods, with a page of its own."""

    words = ""
    methods: tuple[str, ...] = ()
    status = 403

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.rfile = BytesIO(body)
        text = unquote(self.path) + body.decode()
        if self.command in self.methods or (self.words and re.search(self.words, text)):
            page = b"<html><title>Forbidden</title></html>"
            self.send_response(self.status)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)
            return
        super()._pass()

    do_GET = do_POST = do_DELETE = do_OPTIONS = _pass


def behind(kind: type[Proxy], target: str, **options: object) -> ThreadingHTTPServer:
    return ThreadingHTTPServer(("127.0.0.1", 0), type("K", (kind,), {"target": target, **options}))


def test_without_a_firewall_everything_gets_through(deployment: Deployment, serve: Serve) -> None:
    found = deployment.examine(serve())["firewall"]
    assert (found.status, found.found) == (
        "ok",
        "none, or one that lets these through: DELETE, plain text, markup, SQL, shell, SDP",
    )


@pytest.mark.parametrize(
    ("family", "options"),
    [
        ("DELETE", {"methods": ("DELETE",)}),
        ("markup", {"words": "<script>"}),
        ("SQL", {"words": "UNION SELECT"}),
        ("shell", {"words": "/etc/passwd"}),
        ("SDP", {"words": "a=candidate"}),
    ],
)
def test_what_a_firewall_refuses_is_named_by_its_family(
    deployment: Deployment, serve: Serve, family: str, options: dict[str, object]
) -> None:
    deployment.configure(TRUSTED_PROXIES=1)
    with listening(behind(Firewall, serve(), appends=True, **options)) as url:
        found = deployment.examine(url)
    assert (found["firewall"].status, found["firewall"].found) == (
        "warning",
        f"a firewall refuses {family} (403)",
    )
    assert "ModSecurity" in found["firewall"].advice
    # The doctor itself needs none of it.
    assert {name for name in doctor.OUTSIDE if found[name].status != "ok"} == {"firewall"}


def test_a_firewall_that_takes_not_even_encoded_bodies_is_a_failure(
    deployment: Deployment, serve: Serve
) -> None:
    with listening(behind(Firewall, serve(), words=r"<script>|^/signal\w{99}")) as url:
        found = deployment.examine(url)["firewall"]
    assert found.status == "failed"
    assert found.found.endswith("markup (403), and even when it comes encoded: markup")
    url = serve(ENCODED_BODIES=False)
    with listening(behind(Firewall, url, words="<script>")) as front:
        found = deployment.examine(front)["firewall"]
    assert found.status == "failed"
    assert "ENCODED_BODIES must be True" in found.advice


@pytest.mark.parametrize(
    ("words", "status", "checks", "advice"),
    [
        ("^/rooms", 403, {"client address", "poll latency"}, "firewall"),
        ("^/signal", 406, {"Authorization", "poll latency"}, "firewall"),
        ("^/rooms", 508, {"client address", "poll latency"}, "limit"),
        ("^/signal", 502, {"Authorization", "poll latency"}, "error_log"),
    ],
)
def test_a_page_that_is_not_ours_where_the_doctor_asked_the_app_is_told_as_such(
    deployment: Deployment, serve: Serve, words: str, status: int, checks: set[str], advice: str
) -> None:
    with listening(behind(Firewall, serve(), words=words, status=status)) as url:
        found = deployment.examine(url)
    for check in checks:
        assert (found[check].status, found[check].found) == (
            "failed",
            f"somebody in between answered {status} with text/html of their own",
        )
        assert advice in found[check].advice


def test_a_firewall_before_everything_is_suspected_where_health_is_no_answer_of_ours(
    deployment: Deployment, serve: Serve
) -> None:
    with listening(behind(Firewall, serve(), words=".")) as url:
        found = deployment.examine(url)
    assert found["health"].found == "it answers 403, but that is not Party"
    assert "firewall" in found["health"].advice
    assert found["firewall"].status == found["PHP paths"].status == "skipped"


# Origins

CONFIGURED = "https://a.example"


@pytest.mark.parametrize(
    ("adds", "status", "text"),
    [
        ((), "ok", f"let in: {CONFIGURED}"),
        ((("Access-Control-Allow-Origin", "null"),), "failed", "null gets"),
        ((("Access-Control-Allow-Origin", f"http://{CONFIGURED[8:]}"),), "failed", "http://a.example gets"),
        (
            (("Access-Control-Allow-Origin", CONFIGURED), ("Access-Control-Allow-Origin", CONFIGURED)),
            "failed",
            "has Access-Control-Allow-Origin twice",
        ),
        ((("Access-Control-Allow-Headers", "Content-Type"),), "failed", "authorization is not allowed"),
    ],
)
def test_headers_that_a_server_adds_or_changes_are_seen(
    deployment: Deployment, serve: Serve, adds: tuple[tuple[str, str], ...], status: str, text: str
) -> None:
    deployment.configure(ALLOWED_ORIGINS=[CONFIGURED])
    with proxy(serve(ALLOWED_ORIGINS=CONFIGURED), adds=adds) as url:
        found = deployment.examine(url)["CORS"]
    assert (found.status, text in found.found) == (status, True), found


def test_headers_that_get_lost_on_the_answer_itself_are_seen(deployment: Deployment, serve: Serve) -> None:
    deployment.configure(ALLOWED_ORIGINS=[CONFIGURED])

    class Loses(Proxy):
        def send_header(self, keyword: str, value: str) -> None:
            if self.command != "GET" or keyword != "Access-Control-Allow-Origin":
                super().send_header(keyword, value)

    with listening(behind(Loses, serve(ALLOWED_ORIGINS=CONFIGURED))) as url:
        found = deployment.examine(url)["CORS"]
    assert found.status == "failed"
    assert "the answer itself lacks Access-Control-Allow-Origin" in found.found


def test_origins_that_merely_look_like_configured_ones_must_not_get_in(
    deployment: Deployment, serve: Serve
) -> None:
    deployment.configure(ALLOWED_ORIGINS=[CONFIGURED])

    class Careless(Proxy):
        def send_header(self, keyword: str, value: str) -> None:
            if keyword == "Access-Control-Allow-Headers":
                super().send_header("Access-Control-Allow-Origin", self.headers["Origin"])
            super().send_header(keyword, value)

        def _pass(self) -> None:
            if self.command == "OPTIONS" and self.headers["Origin"].startswith(CONFIGURED):
                self.send_response(204)
                self.send_header("Access-Control-Allow-Headers", "authorization, content-type")
                self.end_headers()
                return
            super()._pass()

        do_GET = do_POST = do_DELETE = do_OPTIONS = _pass

    with listening(behind(Careless, serve(ALLOWED_ORIGINS=CONFIGURED))) as url:
        found = deployment.examine(url)["CORS"]
    assert found.status == "failed"
    assert re.search(r"https://a\.example\.\w+\.invalid gets", found.found)


# Held polls


def test_polls_that_are_held_as_the_setting_says_are_green(deployment: Deployment, serve: Serve) -> None:
    deployment.configure(LONG_POLL_SECONDS=2)
    found = deployment.examine(serve())["held polls"]
    assert (found.status, found.found.partition(",")[0]) == ("ok", "held for 2 s")


def test_polls_that_are_not_held_are_a_warning(deployment: Deployment, serve: Serve) -> None:
    url = serve()
    deployment.configure(LONG_POLL_SECONDS=2)
    found = deployment.examine(url)["held polls"]
    assert found.status == "warning"
    assert found.found.startswith("LONG_POLL_SECONDS is 2, but a poll was answered after 0.")


def test_a_time_out_of_a_server_in_between_is_seen(deployment: Deployment, serve: Serve) -> None:
    deployment.configure(LONG_POLL_SECONDS=2)
    with listening(behind(Firewall, serve(), words="wait=2", status=504)) as url:
        found = deployment.examine(url)["held polls"]
    assert (found.status, found.found) == (
        "failed",
        "a poll held for 2 s got 504 from a server in between",
    )


def test_a_server_that_answers_one_at_a_time_is_seen(deployment: Deployment, serve: Serve) -> None:
    deployment.configure(LONG_POLL_SECONDS=2)

    one = Lock()

    class OneAtATime(Proxy):
        def _pass(self) -> None:
            with one:
                super()._pass()

        do_GET = do_POST = do_DELETE = do_OPTIONS = _pass

    with listening(behind(OneAtATime, serve())) as url:
        found = deployment.examine(url)["held polls"]
    assert found.status == "failed"
    assert "another request waited" in found.found


# Another site's address, and a laptop


class Shop(Folder):
    """Another site: it has a page for every address, or for the mount point only."""

    everywhere = True

    def do_GET(self) -> None:
        if self.everywhere or self.path in ("/", "/party/"):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>Welcome to our shop</html>")
        else:
            self.send_error(404)


@pytest.mark.parametrize("everywhere", [True, False])
def test_a_wrong_mount_point_is_no_reason_to_change_passwords(
    deployment: Deployment, everywhere: bool
) -> None:
    kind = type("S", (Shop,), {"everywhere": everywhere})
    with listening(ThreadingHTTPServer(("127.0.0.1", 0), kind)) as url:
        found = deployment.examine(url)
    assert found["health"].status == "failed"
    assert found["exposure"].status == "warning"
    assert "this is not Party" in found["exposure"].found
    assert "--url" in found["exposure"].advice
    assert "password" not in found["exposure"].advice


def test_our_own_files_are_recognized_wherever_they_are_shown(deployment: Deployment) -> None:
    handler = partial(Folder, directory=str(deployment.root))
    with listening(ThreadingHTTPServer(("127.0.0.1", 0), handler)) as url:
        found = deployment.examine(url)["exposure"]
    assert found.status == "failed"
    assert "change each password and secret in config.py" in found.advice


def test_source_that_is_shown_is_no_reason_to_change_passwords(
    deployment: Deployment, serve: Serve, tmp_path: Path
) -> None:
    class ShowsReadme(Proxy):
        def _pass(self) -> None:
            if self.path != "/README.md":
                super()._pass()
                return
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"# Party")

        do_GET = do_POST = do_DELETE = do_OPTIONS = _pass

    with listening(behind(ShowsReadme, serve())) as url:
        found = deployment.examine(url)["exposure"]
    assert (found.status, found.found.rpartition(": ")[2]) == ("failed", "README.md")
    assert "password" not in found.advice


def test_from_a_laptop_nothing_fails_that_is_well(
    deployment: Deployment, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = serve(ALLOWED_ORIGINS="*")
    (deployment.root / "config.py").unlink()
    monkeypatch.setattr(outside, "VERSION", "9.9.9")
    found = deployment.examine(url)
    assert "failed" not in statuses(found).values()
    assert (found["database"].status, found["schema"].status) == ("skipped", "skipped")
    assert "run the doctor on the server" in found["database"].found
    assert (found["health"].status, found["CORS"].status) == ("warning", "warning")
    # Without an address it is this folder that is meant.
    assert deployment.examine()["database"].status == "failed"


def test_what_was_tried_out_on_a_laptop_is_not_the_service(deployment: Deployment) -> None:
    (deployment.root / "config.py").unlink()
    (deployment.root / "instance").mkdir()
    for site, is_elsewhere in (
        ("http://192.0.2.7/party", True),
        ("http://127.0.0.1:8000", False),
        ("http://localhost", False),
        (None, False),
    ):
        assert Installation(deployment.root, ROOT, site=site).is_elsewhere == is_elsewhere, site
    deployment.configure()
    assert not Installation(deployment.root, ROOT, site="http://192.0.2.7/party").is_elsewhere


def test_the_folder_that_deploys_come_from_is_a_laptops(deployment: Deployment, serve: Serve) -> None:
    url = serve()
    deployment.configure(DATABASE_URL="mysql://u:p@127.0.0.1:1/party")
    assert deployment.examine(url)["database"].status == "failed"
    deployment.write("deploy.toml", "")
    assert deployment.examine(url)["database"].status == "skipped"


# Leftovers


def test_a_file_that_restarts_the_app_for_each_request_is_told(deployment: Deployment) -> None:
    (deployment.root / "tmp").mkdir()
    (deployment.root / "tmp" / "restart.txt").touch()
    assert deployment.examine()["restarts"].status == "ok"
    (deployment.root / "tmp" / "always_restart.txt").touch()
    found = deployment.examine()["restarts"]
    assert found.status == "warning"
    assert f"rm {deployment.root}/tmp/always_restart.txt" in found.advice


class OldPhp(Proxy):
    """Its web server keeps the PHP backend's addresses for other files."""

    answer = (200, b"")

    def _pass(self) -> None:
        if not self.path.startswith("/endpoints/"):
            super()._pass()
            return
        self.send_response(self.answer[0])
        self.end_headers()
        self.wfile.write(self.answer[1])

    do_GET = do_POST = do_DELETE = do_OPTIONS = _pass


@pytest.mark.parametrize(
    ("wanted", "answer", "status", "text"),
    [
        pytest.param(True, None, "ok", "on: ", marks=pytest.mark.needs("php_paths")),
        (False, None, "ok", "off"),
        (True, (200, b'{"success":true,"data":{}}'), "failed", "the old PHP backend"),
        (False, (200, b'{"success":true,"data":{}}'), "warning", "the old PHP backend"),
        (True, (404, b"<h1>Not Found</h1>"), "failed", "LEGACY_PHP_PATHS is on, but"),
        (False, (404, b"<h1>Not Found</h1>"), "ok", "off"),
        (True, (200, b"<?php $password = 'x';"), "failed", "source can be read"),
        (False, (200, b"<?php $password = 'x';"), "failed", "source can be read"),
    ],
)
def test_who_answers_at_the_php_backends_addresses_is_told(
    deployment: Deployment,
    serve: Serve,
    wanted: bool,
    answer: tuple[int, bytes] | None,
    status: str,
    text: str,
) -> None:
    deployment.configure(LEGACY_PHP_PATHS=wanted)
    target = serve()
    if answer is None:
        found = deployment.examine(target)["PHP paths"]
    else:
        with listening(behind(OldPhp, target, answer=answer)) as url:
            found = deployment.examine(url)["PHP paths"]
    assert (found.status, text in found.found) == (status, True), found


def test_an_app_that_runs_without_the_php_paths_that_are_configured_is_told(
    deployment: Deployment, serve: Serve
) -> None:
    url = serve()
    deployment.configure(LEGACY_PHP_PATHS=True)
    found = deployment.examine(url)["PHP paths"]
    assert (found.status, "404 NOT_FOUND" in found.found) == ("failed", True)
