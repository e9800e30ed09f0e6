"""A node dies, stops, is parted from the others, or is restarted: what the members of rooms notice of it."""

import os
import signal
import time
from typing import Any

import pytest
from flask import Flask

from party.config.database_url import Host
from party.db import Database
from party.db.hosts import REST_SECONDS
from party.db.mysql import SMALL_STATEMENT_BYTES, MySQL
from tests.cluster.conftest import MakeAppAt
from tests.support.galera import Galera, Node
from tests.support.peers import Api
from tests.support.workload import Workload

# On a machine that does nothing else it takes at most 5 s.
MOST_SECONDS = 15.0
# A node that does not even refuse costs a request 4 s; sent to the next app server, it then waits there for a
# greeting, and once more where that node is tried again.
MOST_SECONDS_OF_SILENCE = 8.0


def node_of(app: Flask) -> str:
    """The host that this app asks just now."""
    database: Database = app.extensions["party.database"]
    with database.connection() as connection:
        return str(connection._raw.host)


def test_the_writer_is_killed_and_comes_back(galera: Galera, nodes: list[Node], app_at: MakeAppAt) -> None:
    app = app_at(*nodes)
    with Workload([Api.of_app(app), Api.of_app(app_at(*nodes))]) as work:
        work.wait_for(60)
        nodes[0].kill()
        work.wait_for(60)
        assert node_of(app) == f"127.0.0.1:{nodes[1].port}"
        galera.heal()
        time.sleep(REST_SECONDS)
        work.wait_for(60)
        assert node_of(app) == f"127.0.0.1:{nodes[0].port}"
    assert work.failures == []
    assert work.found.is_right
    assert work.found.received == work.found.sent
    assert work.found.standstill < MOST_SECONDS


def test_the_writer_is_parted_from_the_others(nodes: list[Node], apis: list[Api]) -> None:
    with Workload(apis) as work:
        work.wait_for(60)
        nodes[0].isolate()
        work.wait_for(60)
        nodes[0].isolate(False)
        work.wait_for(60)
    assert work.failures == []
    assert work.found.is_right
    assert work.found.standstill < MOST_SECONDS


def test_the_writer_stops_answering(nodes: list[Node], apis: list[Api]) -> None:
    with Workload(apis) as work:
        work.wait_for(60)
        os.kill(nodes[0].pid, signal.SIGSTOP)
        try:
            work.wait_for(60)
        finally:
            os.kill(nodes[0].pid, signal.SIGCONT)
        work.wait_for(60)
    assert work.failures == []
    assert work.found.is_right
    assert work.found.standstill < MOST_SECONDS_OF_SILENCE


def test_a_node_that_is_silent_is_not_asked_what_was_wrong(
    nodes: list[Node], app_at: MakeAppAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    database: Database = app_at(*nodes).extensions["party.database"]
    engine = database.engine
    assert isinstance(engine, MySQL)
    asked: list[int | None] = []
    connect = engine._connect_to

    def connect_to(host: Host) -> Any:
        asked.append(host.port)
        return connect(host)

    monkeypatch.setattr(engine, "_connect_to", connect_to)
    database.one("SELECT 1 AS one")
    os.kill(nodes[0].pid, signal.SIGSTOP)
    try:
        # So large that a server might have hung up for its size; but that would not have taken so long.
        database.one("SELECT :text AS text", text="x" * SMALL_STATEMENT_BYTES)
    finally:
        os.kill(nodes[0].pid, signal.SIGCONT)
    assert asked == [nodes[0].port, nodes[1].port]


def test_a_rolling_restart_is_not_noticed(nodes: list[Node], apis: list[Api]) -> None:
    with Workload(apis) as work:
        for node in nodes[:2]:
            work.wait_for(30)
            node.stop()
            work.wait_for(30)
            node.start()
    assert work.failures == []
    assert work.found.is_right
    assert (work.found.unavailable, work.found.cut) == (0, 0)


def test_a_node_that_takes_no_changes_is_passed_over(nodes: list[Node], apis: list[Api]) -> None:
    with Workload(apis) as work:
        work.wait_for(30)
        nodes[0].execute("SET GLOBAL read_only = 1")
        work.wait_for(30)
        nodes[0].execute("SET GLOBAL read_only = 0")
    assert work.failures == []
    assert work.found.is_right
    assert (work.found.unavailable, work.found.cut) == (0, 0)
