"""An admin's morning: an empty account, then the service that two browsers meet at; an update, and back.

With a user of this machine, Apache and Passenger, an FTP or SSH server, and MariaDB with one user who
may do everything and one who may do four things.
"""

import re
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
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

ADMIN = {"SETUP_ADMIN_USER": "party_admin", "SETUP_ADMIN_PASSWORD": "a"}


@dataclass
class Account:
    """What the host gave the admin, and the admin's own machine."""

    apache: Apache
    deploy: Deployer
    urls: DatabaseUrls
    mariadb: MariaDB

    def party(
        self, *arguments: str, check: bool = True, variables: Mapping[str, str] | None = None
    ) -> "subprocess.CompletedProcess[str]":
        """`python -m party` in the panel's terminal, or without one: Execute python script."""
        account = self.apache.account
        command = (str(account.python), "party.py", *arguments)
        return account.run(*command, cwd=self.apache.app_root, check=check, variables=variables)

    @property
    def database(self) -> str:
        """What the panel calls the database."""
        return self.urls.app.rpartition("/")[2]

    @property
    def has_only_phpmyadmin(self) -> bool:
        """Whether nothing on the host can connect as the admin's user."""
        return self.apache.layout == "wordpress"

    def set_up(self) -> None:
        """Answer what `setup` asks; what it then finds must be well."""
        place = self.urls.app.rpartition("@")[2].partition("/")[0]
        variables = {
            "SETUP_HOST": place,
            "SETUP_DATABASE": "party",
            "SETUP_USER": "party_app",
            "SETUP_PASSWORD": "b",
            # Those of the default lie outside this machine.
            "PARTY_STUN_URLS": "",
        }
        if self.has_only_phpmyadmin:
            self.party("setup", check=False, variables=variables)
            self.import_script("1")
        done = self.party("setup", "--url", self.apache.url, check=False, variables=variables | ADMIN)
        # The rest is well, down to what is looked at from outside.
        lines = done.stdout.partition("\n\n")[2].splitlines()
        marks = Counter(line.split()[0] for line in lines if line and not line.startswith(" "))
        assert done.returncode == 0, done.stdout + done.stderr
        assert not marks["failed"] + marks["warning"] + marks["skipped"], done.stdout
        assert marks["ok"] > 20
        assert "17 * * * *" in done.stdout

    def import_script(self, first: str) -> None:
        """What phpMyAdmin does with the script of the admin's own machine."""
        script = subprocess.run(
            [sys.executable, "-m", "party", "migrate", "--sql", "--from", first],
            cwd=self.deploy.copy, check=True, capture_output=True,
        ).stdout  # fmt: skip
        client = ["mariadb", "--no-defaults", "-S", str(self.mariadb.socket), "-u", "root", self.database]
        subprocess.run(client, input=script, check=True)

    def configure(self) -> None:
        """What the test needs beside that."""
        config = self.apache.app_root / "config.py"
        settings = {
            "ROOMS_PER_HOUR": 1_000,
            # Those who talk on poll more often than a page would, which one process might refuse.
            "POLLS_PER_SECOND": 1_000,
            "SENDS_PER_SECOND": 1_000,
            "STUN_URLS": [],
            "DEMO": True,
        }
        with config.open("a") as file:
            file.writelines(f"{name} = {value!r}\n" for name, value in settings.items())

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


def update(account: Account) -> None:
    """An update whose migration comes before the switch, in the way that the host allows."""
    deploy = account.deploy
    deploy.edit("party/rooms/stream.py")
    more = "ALTER TABLE party_rooms ADD COLUMN more INTEGER NULL"
    (deploy.copy / "migrations/900_more.sql").write_text(f"{more};\n")
    if deploy.settings["method"] == "ssh":
        deploy.settings["python"] = str(account.apache.account.python)
        deploy.environment["DEPLOY_ADMIN_DATABASE_URL"] = account.urls.admin
        done = deploy()
    else:
        before = deploy.current
        stopped = deploy()
        assert stopped.status == 1
        assert deploy.current == before
        release = re.search(r"party\.py --release (\S+) setup", stopped.output)
        assert release, stopped.output
        if account.has_only_phpmyadmin:
            account.import_script("900")
        else:
            account.party("--release", release[1], "setup", variables=ADMIN)
        done = deploy("--migrated")
    assert done.status == 0, done.output
    assert account.mariadb.query("SELECT more FROM party_rooms LIMIT 1", database=account.database)


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
    assert "party.py setup" in first.output
    account.set_up()
    account.configure()
    again = deploy()
    assert again.status == 0, again.output
    assert f"runs {deploy.current}" in again.output
    # The release is the same: the deploy cannot tell the processes that know the new settings from the old.
    while "create-form" not in requests.get(f"{apache.url}/", timeout=30).text:
        time.sleep(0.1)

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
        update(account)
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
