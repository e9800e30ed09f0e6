"""What was committed at one node is read at every other; and all of them are one database."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pymysql
import pytest

from party.db import Database
from party.db.migrate import UP_TO_DATE, migrate
from party.rooms.stream import SKIPPED
from tests.cluster.conftest import MakeAppAt
from tests.support.galera import Galera, Node
from tests.support.mariadb import DatabaseUrls
from tests.support.peers import Api, Seat

ROUNDS = 40
ROUNDS_IN_A_ROOM = 8


@pytest.fixture
def at_each(app_at: MakeAppAt, nodes: list[Node]) -> list[Api]:
    """Three app servers, each with a node of its own."""
    return [Api.of_app(app_at(*nodes[i:], *nodes[:i])) for i in range(len(nodes))]


def test_a_join_at_one_node_is_known_at_every_other(at_each: list[Api]) -> None:
    a, b, c = at_each
    for n in range(ROUNDS):
        if n % ROUNDS_IN_A_ROOM == 0:
            host = a.create_room()
        guest = a.join(host.code)
        guest.api = b
        assert guest.poll(guest.seq).status == 200
        guest.api = a
        again = Seat(a, guest.call("POST", "/rejoin").data)
        again.api = c
        assert again.poll(again.seq).status == 200


def test_a_node_that_lags_behind_lets_the_poll_wait(nodes: list[Node], at_each: list[Api]) -> None:
    a, b, _ = at_each
    host = a.create_room()
    b.request("GET", "/health")
    lagging = pymysql.connect(unix_socket=str(nodes[1].socket), user="root")
    with lagging, lagging.cursor() as cursor, ThreadPoolExecutor(1) as pool:
        cursor.execute("FLUSH TABLES WITH READ LOCK")
        guest = a.join(host.code)
        guest.api = b
        polling = pool.submit(guest.poll, guest.seq)
        time.sleep(0.3)
        cursor.execute("UNLOCK TABLES")
        assert polling.result().status == 200


def test_three_migrations_at_once_all_succeed(galera: Galera, nodes: list[Node]) -> None:
    urls = galera.create_database("party_three")
    start = threading.Barrier(len(nodes))

    def run(node: Node) -> list[str]:
        start.wait()
        return list(migrate(galera.on(urls.admin, node)))

    with ThreadPoolExecutor(len(nodes)) as pool:
        said = list(pool.map(run, nodes))
    assert sorted(len(lines) > 1 for lines in said) == [False, False, True]
    assert list(migrate(urls.admin)) == [UP_TO_DATE]


def test_numbers_go_on_at_another_node_but_not_after_a_bootstrap(
    nodes: list[Node], urls: DatabaseUrls, galera: Galera, app_at: MakeAppAt
) -> None:
    first, second = (Api.of_app(app_at(node)) for node in nodes[:2])
    host = first.create_room()
    host.api = second
    guest = second.join(host.code)
    assert guest.seq == host.seq + 1
    # As where the cluster was bootstrapped: fewer changes than were known.
    nodes[0].execute("UPDATE party_cluster SET changes = 1000", database="party_cluster")
    third = Api.of_app(app_at(nodes[2]))
    after = third.join(host.code)
    assert after.seq == guest.seq + SKIPPED + 1
    assert Database(galera.on(urls.app, nodes[0])).one("SELECT 1 AS n") == {"n": 1}
    known = nodes[0].query("SELECT changes FROM party_cluster", database="party_cluster")
    assert str(known[0]["changes"]) == nodes[0].status("cluster_conf_id")
