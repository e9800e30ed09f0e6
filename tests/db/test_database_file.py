"""An SQLite file that is deleted or replaced under a running server."""

import shutil
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from flask import Flask

from tests.conftest import MakeServer
from tests.support.peers import Api, Seat

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
SOON_SECONDS = 8.0


@pytest.fixture
def file(database_url: str) -> Path:
    """The file that the app uses."""
    return Path(database_url.removeprefix("sqlite:///"))


def back_up(file: Path) -> Path:
    """A copy of the database beside it."""
    copy = file.with_suffix(".copy")
    with closing(sqlite3.connect(file)) as reader, closing(sqlite3.connect(copy)) as writer:
        reader.backup(writer)
    return copy


def delete_all(file: Path) -> None:
    """With what SQLite keeps beside it."""
    for path in file.parent.glob(f"{file.name}*"):
        path.unlink()


@pytest.mark.parametrize("delete", [Path.unlink, delete_all])
def test_a_file_that_has_gone_is_503_and_no_new_one_is_made(
    client: Api, host: Seat, file: Path, delete: Callable[[Path], None]
) -> None:
    delete(file)
    for _ in range(2):
        answers = [
            client.request("POST", "/rooms", {"hostName": "Hana"}),
            host.poll(),
            host.call("POST", "/end"),
            client.request("GET", "/health"),
        ]
        assert [(answer.status, answer.code) for answer in answers] == [(503, "UNAVAILABLE")] * 4
        assert answers[-1].error["message"] == "database"
    assert not file.exists()


@pytest.mark.parametrize("with_all", [True, False], ids=["with all beside it", "alone"])
def test_a_file_that_replaces_it_is_used_at_once(
    app: Flask, client: Api, host: Seat, file: Path, with_all: bool
) -> None:
    copy = back_up(file)
    guest = client.join(host.code)
    lost = client.create_room()
    if with_all:
        delete_all(file)
    copy.replace(file)
    assert guest.poll().code == lost.poll().code == "TOKEN_INVALID"
    assert (host.poll().data["messages"], host.poll().status) == ([], 200)
    another = client.join(host.code)
    another.send(host, {"n": 1})
    assert [message["type"] for message in host.read()] == ["participant-joined", "offer"]
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("SELECT COUNT(*) FROM party_participants").fetchall() == [(2,)]


def test_a_file_that_comes_back_is_used_again(client: Api, host: Seat, file: Path) -> None:
    copy = back_up(file)
    delete_all(file)
    assert host.poll().status == 503
    shutil.copy(copy, file)
    assert host.poll().status == 200


def test_what_a_newcomer_brought_along_beside_it_is_kept(client: Api, host: Seat, file: Path) -> None:
    newer = file.with_name("newer.sqlite3")
    shutil.copy(back_up(file), newer)
    with closing(sqlite3.connect(newer)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("UPDATE party_rooms SET max_participants = 7")
        connection.commit()
        # As it is while its writer still has it open.
        delete_all(file)
        for path in (newer, newer.with_name(f"{newer.name}-wal")):
            shutil.copy(path, file.with_name(path.name.replace(newer.name, file.name)))
        assert host.poll().data["room"]["maxParticipants"] == 7


def poll_for_a_while(seat: Seat) -> set[int]:
    """The statuses of the answers."""
    deadline, statuses = time.monotonic() + 0.5, set()
    while time.monotonic() < deadline:
        statuses.add(seat.poll().status)
    return statuses


def test_several_processes_go_over_to_the_new_file_while_everybody_polls(
    server: MakeServer, file: Path
) -> None:
    running = server(workers=3, threads=4)
    host = Api.of_url(running.url).create_room()
    guest = host.api.join(host.code)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: host.poll(host.seq), range(60)))
        for _ in range(3):
            copy = back_up(file)
            polls = [pool.submit(poll_for_a_while, host) for _ in range(4)]
            copy.replace(file)
            # Where the file is replaced while it is opened, the call may have to be made again.
            while (sent := guest.send(host, {"n": 1})).status == 503:
                pass
            assert sent.status == 201
            for poll in polls:
                assert poll.result() <= {200, 503}
    assert len(host.poll().data["messages"]) >= 3
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert "Traceback" not in running.log
