"""An admin's morning: an empty account, then the service that two browsers meet at; an update, and back.

With a user of this machine, Apache and Passenger, an FTP or SSH server, and MariaDB with one user who
may do everything and one who may do four things.
"""

import json
import shutil
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.apache import NOT_IN_A_CLONE, WORDPRESS_ANSWERED, Apache, Layout
from tests.support.deployer import Deployer
from tests.support.ftps import Vsftpd
from tests.support.mariadb import DatabaseUrls, MariaDB
from tests.support.peers import Api, Seat
from tests.support.server import ROOT
from tests.support.ssh import SshServer
from tests.support.visitors import Visitor

pytestmark = pytest.mark.timeout(300)


@dataclass
class Account:
    """What the host gave the admin, and the admin's own machine."""

    apache: Apache
    deploy: Deployer
    urls: DatabaseUrls
    mariadb: MariaDB

    def party(self, *arguments: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """`python -m party` in the panel's terminal."""
        account = self.apache.account
        return account.run(account.python, "-m", "party", *arguments, cwd=self.apache.app_root, check=check)

    def configure(self) -> None:
        """Copy config.example.py to config.py and fill it in."""
        config = self.apache.app_root / "config.py"
        shutil.copy(self.apache.app_root / "config.example.py", config)
        settings = {
            "DATABASE_URL": self.urls.app,
            "SECRET_KEY": "3q2-7wEiJ0rXv9hZk4mN8sTbYcLdPfGa",
            "ROOMS_PER_HOUR": 1_000,
            # Those who talk on poll more often than a page would, which one process might refuse.
            "POLLS_PER_SECOND": 1_000,
            "SENDS_PER_SECOND": 1_000,
            "STUN_URLS": [],
            "DEMO": True,
        }
        with config.open("a") as file:
            file.writelines(f"{name} = {value!r}\n" for name, value in settings.items())
        config.chmod(0o600)
        self.apache.account.own(config)

    @property
    def version(self) -> str:
        """What /health reports."""
        version: str = requests.get(f"{self.apache.url}/health", timeout=30).json()["data"]["version"]
        return version


@pytest.fixture(params=["outside by FTPS", "inside by SSH", "wordpress by FTPS", "outside by SSH"])
def account(request: pytest.FixtureRequest, mariadb: MariaDB, tmp_path: Path) -> Iterator[Account]:
    """An account as the host hands it over: a user, a Python, two database users, nothing of ours."""
    where, _, how = request.param.partition(" by ")
    layout: Layout = where
    with ExitStack() as stack:
        # Every ten seconds would be Passenger's own pace; the deploy waits for it all the same.
        slow = ["<IfModule mod_passenger.c>", "PassengerStatThrottleRate 3", "</IfModule>"]
        apache = stack.enter_context(Apache(layout, server_directives=slow))
        home = apache.account.home
        copy = tmp_path / "working-copy"
        shutil.copytree(ROOT, copy, ignore=NOT_IN_A_CLONE)
        settings: dict[str, object] = {
            "host": "127.0.0.1",
            "user": apache.account.name,
            "app_root": str(apache.app_root.relative_to(home)),
            "public_folder": str(apache.public.relative_to(home)),
            "url": apache.url,
        }
        if how == "FTPS":
            ftp = stack.enter_context(Vsftpd(apache.account))
            authority = str(ftp.certificate.authority)
            settings |= {"method": "ftps", "port": ftp.port, "certificate_authority": authority}
        else:
            ssh = stack.enter_context(SshServer(apache.account))
            settings |= {"method": "ssh", "port": ssh.port, "ssh_config": str(ssh.config)}
        name = f"{apache.account.name}_party"
        urls = mariadb.create_database(name, max_user_connections=15)
        users = (f"{name}_admin@'127.0.0.1'", f"{name}_app@'127.0.0.1'")
        stack.callback(mariadb.execute, f"DROP DATABASE {name}", *(f"DROP USER {user}" for user in users))
        yield Account(apache, Deployer(copy, apache.app_root, settings), urls, mariadb)


def migrate(account: Account) -> None:
    """With the admin's database user, or where that cannot connect, with the script for phpMyAdmin."""
    if "FTPS" in str(account.deploy.settings["method"]).upper():
        script = account.party("migrate", "--sql").stdout
        database = account.urls.app.rpartition("/")[2]
        command = ["mariadb", "--no-defaults", "-S", str(account.mariadb.socket), "-u", "root", database]
        subprocess.run(command, input=script, text=True, check=True)
    else:
        refused = account.party("migrate", check=False)
        assert refused.returncode
        assert "--database-url" in refused.stderr
        account.party("migrate", "--database-url", account.urls.admin)
    assert "up to date" in account.party("migrate", "--dry-run").stdout


@dataclass
class Conversation:
    """A host and a guest who go on polling and sending while the admin works."""

    host: Seat
    guest: Seat
    sent: list[int] = field(default_factory=list)
    received: list[int] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def send(self) -> None:
        """The host's side: numbers, each sent until it is acknowledged."""
        number = 0
        while not self._stop.is_set():
            message = {"toId": self.guest.id, "type": "ice", "payload": {"n": number}}
            body = {"roomCode": self.host.code, **message, "clientMsgId": f"n{number}"}
            if self._call(self.host, "POST", "/signal", body) is not None:
                self.sent.append(number)
                number += 1
            self._stop.wait(0.02)

    def poll(self) -> None:
        """The guest's side: takes each message in and acknowledges it with the next poll."""
        while self._sender.is_alive() or len(self.received) < len(self.sent):
            path = f"/signal/{self.guest.code}/{self.guest.id}?after={self.guest.seq}"
            data = self._call(self.guest, "GET", path)
            if data is not None:
                self.guest.seq = data["seq"]
                self.received += [m["payload"]["n"] for m in data["messages"] if m["type"] == "ice"]
            time.sleep(0.02)

    def _call(self, seat: Seat, method: str, path: str, body: Any = None) -> Any:
        try:
            answer = seat.api.request(method, path, body, token=seat.token)
        except Exception as error:
            self.failures.append(repr(error))
            return None
        self.statuses[answer.status] += 1
        if answer.status >= 400:
            if answer.status != 503:
                self.failures.append(answer.text)
            return None
        return answer.data

    def __enter__(self) -> "Conversation":
        self._sender, self._poller = (threading.Thread(target=side) for side in (self.send, self.poll))
        self._sender.start()
        self._poller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._sender.join(60)
        self._poller.join(60)
        assert not self._poller.is_alive(), "signals are missing"


def test_a_morning(account: Account, visitors: list[Visitor]) -> None:
    apache, deploy = account.apache, account.deploy

    # The files, the settings, the schema.
    first = deploy()
    assert first.status == 0, first.output
    assert "copy config.example.py to config.py" in first.output
    account.configure()
    migrate(account)
    again = deploy()
    assert again.status == 0, again.output
    assert f"runs {deploy.current}" in again.output
    examined = account.party("doctor", "--url", apache.url, "--json", check=False)
    findings = json.loads(examined.stdout)
    assert [finding for finding in findings if finding["status"] not in ("ok",)] == []
    assert examined.returncode == 0

    # What it is for.
    ada, ben, _ = visitors
    ben.join(f"{apache.url}/", ada.create(f"{apache.url}/", "Ada"), "Ben")
    ada.expect_connected("Ben")
    ada.say("Good morning")
    ben.expect_message("Ada", "Good morning")

    # An update and its reversal while people talk.
    api = Api.of_url(apache.url)
    talks = []
    for _ in range(4):
        host = api.create_room()
        talks.append(Conversation(host, api.join(host.code)))
    old = deploy.current
    with ExitStack() as stack:
        for talk in talks:
            stack.enter_context(talk)
        deploy.edit("party/rooms/stream.py")
        updated = deploy()
        assert updated.status == 0, updated.output
        new = deploy.current
        assert account.version == new != old
        back = deploy("--rollback")
        assert back.status == 0, back.output
        assert account.version == old == deploy.current
    for talk in talks:
        assert talk.failures == []
        assert set(talk.statuses) <= {200, 201, 503}
        assert talk.sent
        assert talk.received == talk.sent
        assert talk.statuses[503] < 20
    ada.say("Still there?")
    ben.expect_message("Ada", "Still there?")

    # The end: the app is taken out of the panel, and its folders are deleted.
    for page in (ada.page, ben.page):
        page.goto("about:blank")
    apache.stop()
    apache.passenger = False
    for folder in {apache.app_root, apache.public}:
        shutil.rmtree(folder)
    apache.start()
    left = requests.get(f"{apache.url}/health", timeout=30)
    if apache.layout == "wordpress":
        assert WORDPRESS_ANSWERED in left.text
    else:
        assert left.status_code == 404
    ours = [path for path in apache.account.home.rglob("*party*") if "virtualenv" not in path.parts]
    assert ours == []
