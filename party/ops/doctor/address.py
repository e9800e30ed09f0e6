"""Whose address the limits count."""

import ipaddress
import secrets

from party.ops.doctor.finding import Result, Skipped, failed, ok, warning
from party.ops.doctor.installation import Installation
from party.ops.doctor.site import Answer, Site
from party.web.addresses import network_of
from party.web.rate_limits import LOOK, MINUTE
from party.web.windows import Window, Windows

# More than any limit: all that count are to be seen.
MANY = 1_000_000_000
# Of the block for documentation: nobody's.
FORGED_NETWORK = "203.0.113"
# Of the loopback network, to tell ourselves from a proxy on this machine.
LOOPBACK_SOURCE = "127.0.0.77"
NO_ROOM = "/rooms/the-doctor"  # not a code: looked up, counted, and never found


def client_address(installation: Installation, site: Site) -> Result:
    """Whether limits count the caller's own address: not one it makes up, and not a proxy's.

    One look-up of no room is counted; then the counters tell whose it was.
    """
    with Site(site.url, _source(site)) as caller:
        caller.is_party = site.is_party
        ours, theirs = caller.addresses
        candidates = {ours, theirs, "127.0.0.1", "::1"}
        before = _counted(installation, candidates)
        looked_up = caller.get(NO_ROOM)
        if looked_up.code != "ROOM_NOT_FOUND":
            raise Skipped(f"a look-up was answered {looked_up.status} {looked_up.code}".strip())
        after = _counted(installation, candidates)
        limit, plain = _look_limit(caller.get("/limits"))
        forged = f"{FORGED_NETWORK}.{secrets.randbelow(250) + 1}"
        _, pretended = _look_limit(caller.get("/limits", {"X-Forwarded-For": ", ".join([forged] * 10)}))
    if plain < limit == pretended:
        return failed(
            "whoever makes up an X-Forwarded-For is counted under it, so there are no limits",
            "TRUSTED_PROXIES is too high, or a proxy does not append to X-Forwarded-For: it is the number of "
            "those that do, 0 if there is none.",
        )
    if not before:
        return ok("a made-up X-Forwarded-For does not count (more can be said only with the database)")
    return _judge(installation, {ip for ip in candidates if after[ip] > before[ip]}, ours, theirs)


def _judge(installation: Installation, counted: set[str], ours: str, theirs: str) -> Result:
    if ours in counted:
        return ok(f"this call counted for {ours}, where it came from")
    more = f"TRUSTED_PROXIES = {installation.settings.TRUSTED_PROXIES + 1}, if it appends to X-Forwarded-For"
    if counted & {"127.0.0.1", "::1"}:
        return failed(
            f"this call from {ours} counted for this machine itself: all visitors share one limit",
            f"A proxy on this machine stands before the app: {more}.",
        )
    if theirs in counted:
        return warning(
            f"this call from {ours} counted for {theirs}, the site's own address",
            f"Right if this machine reaches itself by network address translation. If {theirs} is a proxy's, "
            f"all visitors share one limit: {more}.",
        )
    return warning(
        f"this call from {ours} counted for another address",
        "Right if this machine reaches the network by address translation, or a CDN by its own. Otherwise "
        f"a proxy stands before the app: {more}. Or the app runs with another SECRET_KEY or database than "
        "this command: variables set in the panel?",
    )


def _source(site: Site) -> str | None:
    """On the loopback interface: an address of ours that no proxy has, where the system knows such."""
    _, theirs = site.addresses
    if not theirs.startswith("127."):
        return None
    with Site(site.url, LOOPBACK_SOURCE) as probe:
        try:
            probe.connect()
        except OSError:
            return None
    return LOOPBACK_SOURCE


def _counted(installation: Installation, addresses: set[str]) -> dict[str, int]:
    """By address, how many look-ups count at this moment; nothing where the database cannot be asked."""
    try:
        windows = Windows(installation.database, installation.settings.SECRET_KEY)
    except Skipped:
        return {}
    counted = {}
    for address in addresses:
        window = Window(LOOK, network_of(ipaddress.ip_address(address)), MANY, MINUTE)
        counted[address] = window.limit - windows.state(window).remaining
    return counted


def _look_limit(answer: Answer) -> tuple[int, int]:
    """The limit of look-ups, and what is left of it."""
    (found,) = (limit for limit in answer.data["limits"] if limit["action"] == LOOK)
    return found["limit"], found["remaining"]
