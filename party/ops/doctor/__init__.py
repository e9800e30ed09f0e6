"""`python -m party doctor`: what is wrong with a deployment, and what to do about it.

A check is a function that returns a `Result`. Those in `INSIDE` look at this machine and the database,
those in `OUTSIDE` at the address that visitors use. None can disturb another: what a check raises
becomes its own finding.
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from party import config
from party.db import SchemaBehind
from party.ops.doctor import (
    address,
    cluster,
    exposed,
    files,
    firewall,
    grants,
    ice,
    inside,
    long_polls,
    origins,
    outside,
    polls,
    schema,
    stored,
    writing,
)
from party.ops.doctor.finding import Finding, Result, Skipped
from party.ops.doctor.installation import Installation
from party.ops.doctor.site import InBetween, Site

INSIDE: dict[str, Callable[[Installation], Result]] = {
    "Python": inside.python,
    "packages": inside.packages,
    "settings": inside.settings,
    "proxies": inside.proxies,
    "long polls": long_polls.long_polls,
    "secrets": inside.secrets,
    "privacy": files.privacy,
    "writable": files.writable,
    "restarts": files.restarts,
    "database": stored.reachable,
    "database version": stored.version,
    "character set": stored.character_set,
    "database clock": stored.time_of_database,
    "database hosts": cluster.hosts,
    "Galera": cluster.galera,
    "schema": schema.schema,
    "grants": grants.grants,
    "writing": writing.writing,
    "connections": stored.connections,
    "cleanup": stored.cleanup,
    "STUN": ice.stun,
    "TURN": ice.turn,
}
# The last two look like an attack: a firewall may shut us out after them.
OUTSIDE: dict[str, Callable[[Installation, Site], Result]] = {
    "TLS": outside.tls,
    "health": outside.health,
    "server clock": outside.clock_of_server,
    "CORS": origins.cors,
    "Authorization": outside.authorization,
    "client address": address.client_address,
    "poll latency": polls.latency,
    "held polls": polls.held,
    "PHP paths": outside.php_paths,
    "firewall": firewall.firewall,
    "exposure": exposed.exposure,
}


def examine(
    url: str | None = None, *, root: Path = config.ROOT, code: Path = config.CODE
) -> Iterator[Finding]:
    """All findings, one by one as they are made; with the address of the service also from outside."""
    installation = Installation(root, code, site=url)
    try:
        for name, check in INSIDE.items():
            yield _finding(installation, name, partial(check, installation))
        if url is not None:
            with Site(url) as site:
                for name, look in OUTSIDE.items():
                    yield _finding(installation, name, partial(look, installation, site))
    finally:
        if installation.connected is not None:
            installation.connected.close()


def _finding(installation: Installation, name: str, check: Callable[[], Result]) -> Finding:
    try:
        status, found, advice = check()
    except InBetween as error:
        return Finding(name, *firewall.who_answered(error.answer))
    except Skipped as reason:
        return Finding(name, "skipped", str(reason))
    except SchemaBehind:
        return Finding(name, "skipped", "the schema is behind")
    except Exception as error:
        problem = installation.without_secrets(f"{type(error).__name__}: {' '.join(str(error).split())}")
        return Finding(
            name, "failed", f"the check broke off: {problem}", "Try again; see the other findings first."
        )
    return Finding(name, status, found, advice)
