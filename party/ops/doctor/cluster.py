"""What several database servers tell: each host of DATABASE_URL, its clock, and how Galera is."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from party import clock
from party.db import Database
from party.db.mysql import MySQL
from party.errors import Unavailable
from party.ops.doctor.finding import Result, failed, ok, warning
from party.ops.doctor.installation import Installation

APART_SECONDS = 2
# What a server of the cluster is set to, and why.
WANTED = {
    "binlog_format": ("ROW", "Galera replicates rows"),
    "innodb_autoinc_lock_mode": ("2", "or inserts wait for each other"),
}
# A node that dies holds up all writes for so long, and a request waits for 4 s.
SUSPECT_SECONDS = 2.0

Facts = dict[str, str]


def hosts(installation: Installation) -> Result:
    """Whether each host of the URL answers, and how far their clocks are apart."""
    if not installation.database.engine.has_several_hosts:
        return ok("one")
    apart, away = [], []
    for name, database in _each(installation):
        with _closing(database):
            try:
                apart.append((name, _seconds_apart(database)))
            except Unavailable as error:
                away.append(f"{name}: {error.__cause__ or error}")
    if away:
        return failed("; ".join(away), "The others are asked meanwhile. Start it, or look at its name.")
    said = ", ".join(f"{name} {seconds:+.1f} s" for name, seconds in apart)
    spread = max(seconds for _, seconds in apart) - min(seconds for _, seconds in apart)
    if spread > APART_SECONDS or any(abs(seconds) > APART_SECONDS for _, seconds in apart):
        return warning(
            f"clocks beside this machine's: {said}",
            "Let all machines keep time by NTP (chrony): beyond 5 s, news comes late after a failover.",
        )
    return ok(f"all answer; clocks beside this machine's: {said}")


def galera(installation: Installation) -> Result:
    """Whether all nodes are one cluster, ready, and set as they should be."""
    known: dict[str, Facts] = {}
    for name, database in _each(installation):
        with _closing(database):
            try:
                known[name] = _facts(database)
            except Unavailable:
                continue
    if not any(facts.get("wsrep_on") == "ON" for facts in known.values()):
        return ok("none")
    problems = [f"{name}: {problem}" for name, facts in known.items() for problem in _problems(facts)]
    uuids = {facts.get("wsrep_cluster_state_uuid") for facts in known.values()}
    if len(uuids) > 1:
        return failed("the hosts are not of one cluster", "DATABASE_URL may name hosts of one cluster only.")
    if problems:
        return failed("; ".join(problems), "docs/several-machines.md has the options, and how a node starts.")
    size = next(iter(known.values())).get("wsrep_cluster_size", "?")
    if advice := _advice(known, int(size)):
        return warning(f"{size} nodes, all well", advice)
    return ok(f"{size} nodes, all well")


def _each(installation: Installation) -> Iterator[tuple[str, Database]]:
    """Each host by itself; none of SQLite."""
    engine = installation.database.engine
    for host in engine.target.hosts if isinstance(engine, MySQL) else ():
        database = Database(installation.url)
        assert isinstance(database.engine, MySQL)
        database.engine.ask_only(host)
        yield str(host), database


@contextmanager
def _closing(database: Database) -> Iterator[None]:
    try:
        yield
    finally:
        database.close()


def _seconds_apart(database: Database) -> float:
    before = clock.now_ms()
    row = database.one("SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)) DIV 1000 AS theirs")
    assert row is not None
    return (int(row["theirs"]) - ((before + clock.now_ms()) / 2 - clock.offset_ms())) / 1000


def _facts(database: Database) -> Facts:
    names = ", ".join(f"'{name}'" for name in [*WANTED, "wsrep_on", "wsrep_provider_options", "read_only"])
    rows = database.all(f"SHOW GLOBAL VARIABLES WHERE Variable_name IN ({names})")
    rows += database.all("SHOW GLOBAL STATUS WHERE Variable_name LIKE 'wsrep%'")
    return {row["Variable_name"]: str(row["Value"]) for row in rows}


def _problems(facts: Facts) -> Iterator[str]:
    if facts.get("wsrep_on") != "ON":
        yield "wsrep_on is off: it is no part of the cluster"
        return
    if facts.get("wsrep_cluster_status") != "Primary":
        yield f"it has lost the others ({facts.get('wsrep_cluster_status')})"
    if (state := facts.get("wsrep_local_state_comment")) != "Synced":
        yield f"it is not in line with the others yet ({state})"
    if facts.get("read_only") in ("ON", "1"):
        yield "it is read-only"
    for name, (wanted, reason) in WANTED.items():
        if facts.get(name, wanted) != wanted:
            yield f"{name} is {facts[name]}, not {wanted}: {reason}"


def _advice(known: dict[str, Facts], size: int) -> str:
    if size % 2 == 0:
        return "The nodes are even in number: parted in the middle, none goes on. Add one, or an arbitrator."
    for name, facts in known.items():
        found = re.search(r"evs\.suspect_timeout = PT([\d.]+)S", facts.get("wsrep_provider_options", ""))
        if found and float(found[1]) > SUSPECT_SECONDS:
            return (
                f"{name}: evs.suspect_timeout is {found[1]} s. All writes stand still for so long when a "
                "node dies, which is longer than a request waits: set PT1S in wsrep_provider_options."
            )
    return ""
