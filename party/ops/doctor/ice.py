"""Whether STUN and TURN servers answer: asked as pages ask them, though from here."""

import ssl
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from socket import EAI_NONAME, gaierror
from threading import Thread
from typing import Any

from party import clock
from party.config import Settings
from party.ops.doctor.finding import Result, Skipped, failed, ok, warning
from party.ops.doctor.installation import Installation
from party.ops.doctor.stun import UNAUTHORIZED, Address, NoServer, OpenToAll, Place, Refused, Server

# For one server, and for all of a check, which are asked at the same time.
SECONDS = 2.5
MOST_SECONDS = 4.0
# Of a TURN server: too many allocations of one user, or of all.
FULL = (486, 508)
_CREDENTIALS = {
    "coturn": "TURN_SECRET must be its static-auth-secret, with use-auth-secret in turnserver.conf, and both "
    "clocks must be right.",
    "static": "Look at TURN_USERNAME and TURN_CREDENTIAL.",
    "cloudflare": "TURN_KEY_ID and TURN_API_TOKEN are those of a TURN key in Cloudflare's dashboard.",
}


def stun(installation: Installation) -> Result:
    """Ask each STUN server as whom it sees this machine."""
    urls = _settings(installation).STUN_URLS
    if not urls:
        return ok("none: pages behind routers connect only within their network, or over a TURN server")
    return _at_once({url: partial(_ask_stun, url) for url in urls})


def _ask_stun(url: str) -> Result:
    with closing(Server(Place.of(url), SECONDS)) as server:
        return ok(f"sees this machine as {server.own_address()}")


def turn(installation: Installation) -> Result:
    """Ask each TURN server for an allocation, with credentials as members get them."""
    settings = _settings(installation)
    if settings.TURN_PROVIDER == "coturn" and not settings.TURN_URLS:
        return ok("none: pages that find no direct way talk through this service (docs/turn.md)")
    advice = _CREDENTIALS[settings.TURN_PROVIDER]
    servers, problem = _turn_servers(settings)
    if not servers:
        return failed(f"{settings.TURN_PROVIDER} gives no credentials: {problem or 'no answer'}", advice)
    return _at_once(
        {
            url: partial(_ask_turn, url, server["username"], server["credential"], advice)
            for server in servers
            for url in server["urls"]
        }
    )


def _ask_turn(url: str, username: str, credential: str, advice: str) -> Result:
    place = Place.of(url)
    if place.transport == "dtls":
        return warning("over DTLS, which browsers do not speak", "Write ?transport=tcp behind it, for TLS.")
    try:
        with closing(Server(place, SECONDS)) as server:
            return _relayed(server.allocate(username, credential), server.address)
    except OpenToAll:
        return warning("relays for anybody, without credentials", "Put use-auth-secret into turnserver.conf.")
    except Refused as refusal:
        if refusal.code == UNAUTHORIZED:
            return failed(f"refuses our credentials ({refusal})", advice)
        if refusal.code in FULL:
            return warning(f"is full ({refusal})", "See user-quota and total-quota in turnserver.conf.")
        raise


def _relayed(relay: Address, server: Address) -> Result:
    """One behind a router has to be told its address outside, or it names one that nobody reaches."""
    if relay.is_private and not server.is_private:
        return failed(f"relays from {relay}, which nobody outside reaches", f"external-ip={server}/{relay}")
    return ok(f"relays from {relay}")


def _settings(installation: Installation) -> Settings:
    if installation.is_elsewhere:
        raise Skipped("the service is elsewhere: run the doctor on the server to ask its servers")
    return installation.settings


def _turn_servers(settings: Settings) -> tuple[list[dict[str, Any]], str]:
    """What a member is given, or why nothing. Raises `Skipped` where there is no call for that."""
    try:
        from party.ice import PROVIDERS
    except ImportError:
        raise Skipped("this service was built without the call that names TURN servers") from None
    provider = PROVIDERS[settings.TURN_PROVIDER](settings)
    until = time.monotonic() + MOST_SECONDS
    while not (servers := provider.servers(clock.now_ms(), "doctor")[0]):
        if provider.problem or time.monotonic() > until:
            break
        time.sleep(0.05)
    return servers, provider.problem


def _at_once(questions: dict[str, Callable[[], Result]]) -> Result:
    """Ask them all at the same time: the worst that came back, and what each said."""
    results: dict[str, Result] = {}

    def ask(url: str) -> None:
        try:
            results[url] = questions[url]()
        except Exception as error:
            results[url] = _judge(error)

    # Threads that nobody has to wait for: some resolvers take half a minute for a name.
    threads = [Thread(target=ask, args=(url,), daemon=True) for url in questions]
    until = time.monotonic() + MOST_SECONDS
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    found = {url: results.get(url) or _judge(TimeoutError()) for url in questions}
    worst = min((result.status for result in found.values()), key=("failed", "warning", "ok").index)
    advice = dict.fromkeys(result.advice for result in found.values() if result.advice)
    said = "; ".join(f"{url} {result.found}" for url, result in found.items())
    return Result(worst, said, " ".join(advice))


def _judge(error: Exception) -> Result:
    """What it means that a server could not be asked."""
    if isinstance(error, gaierror) and error.errno == EAI_NONAME:
        return warning("has a name that is not known here", "Correct it, or look at this machine's DNS.")
    if isinstance(error, TimeoutError | PermissionError):
        return warning(
            "does not answer",
            "A firewall here lets nothing out to it, as on many a shared host, or one there lets nothing in. "
            "Pages ask from where they are: if they get no answer either, open its port, for UDP and TCP.",
        )
    if isinstance(error, ConnectionRefusedError):
        return failed("has nobody who listens there", "Is it running? listening-port says where.")
    if isinstance(error, ssl.SSLCertVerificationError):
        return failed(
            f"has a wrong certificate: {error.verify_message}", "Browsers refuse it, too: see cert and pkey."
        )
    if isinstance(error, ssl.SSLError | ConnectionError | NoServer | Refused):
        return failed(
            f"does not answer as it should: {error.reason if isinstance(error, ssl.SSLError) else error}",
            "Something else listens there, or it takes no TLS on this port: see tls-listening-port.",
        )
    reason = error.strerror if isinstance(error, OSError) else error
    return warning(f"cannot be reached: {reason or type(error).__name__}", "Look at the network here.")
