"""What a visitor meets: the service as its address shows it, from here over the network."""

import email.utils
import ipaddress
import secrets
import ssl
import statistics
import time
from http.client import HTTPException
from urllib.parse import urljoin, urlsplit

from limits import RateLimitItemPerMinute

from party.doctor.finding import Result, Skipped, clocks_apart, failed, ok, warning
from party.doctor.installation import Installation
from party.doctor.site import Answer, Site
from party.exposure import PROBES, refused
from party.rate_limits import JOIN_ROOM, DatabaseStorage, network_of
from party.version import VERSION

CERTIFICATE_DAYS = 14
# The port on which the same host must not speak plain HTTP.
PLAIN_PORTS = {443: 80}
POLLS = 10
SLOW_SECONDS = 1.0
REDIRECTS = 3
# So many requests in a row without any answer, and we go no further.
PATIENCE = 3
# Of the block for documentation: nobody's.
FORGED_NETWORK = "203.0.113"
# Of the loopback network, to tell ourselves from a proxy on this machine.
LOOPBACK_SOURCE = "127.0.0.77"
NO_ROOM = "/rooms/doctor"  # not a code: looked up, counted, and never found


def tls(_: Installation, site: Site) -> Result:
    """Whether the connection is encrypted, the certificate good, and plain HTTP sent on to it."""
    if not site.is_secure:
        if _is_loopback(site.host):
            return ok("none, and none is needed on this machine itself")
        return warning(
            "http:// only: tokens and signals cross the network in the clear",
            "Get a certificate (cPanel: SSL/TLS Status, Run AutoSSL), use https:// and --url https://...; "
            "browsers give camera and microphone to https pages only.",
        )
    try:
        certificate = site.certificate
    except ssl.SSLCertVerificationError as error:
        site.unreachable = "the certificate is wrong"
        return failed(
            f"the certificate is wrong: {error.verify_message}",
            "Browsers refuse it, too. cPanel: SSL/TLS Status, Run AutoSSL for this domain.",
        )
    except (OSError, HTTPException) as error:
        return _unreachable(site, error)
    left = (ssl.cert_time_to_seconds(certificate["notAfter"]) - time.time()) / 86400
    found = f"the certificate is good for {left:.0f} days"
    if left < CERTIFICATE_DAYS:
        return warning(found, "It should have been renewed. cPanel: SSL/TLS Status, Run AutoSSL.")
    if site.port in PLAIN_PORTS and _serves_plain_http(site):
        return warning(
            f"{found}, but http:// is answered, too",
            "Send visitors on to https://. cPanel: Domains, Force HTTPS Redirect.",
        )
    return ok(found)


def _serves_plain_http(site: Site) -> bool:
    host = f"[{site.host}]" if ":" in site.host else site.host
    with Site(f"http://{host}:{PLAIN_PORTS[site.port]}{site.path}") as plain:
        try:
            answer = plain.get("/health")
        except (OSError, HTTPException):
            return False
    return not (300 <= answer.status < 400 and answer.headers.get("Location", "").startswith("https:"))


def _unreachable(site: Site, error: Exception) -> Result:
    site.unreachable = "the site cannot be reached"
    return failed(
        f"{site.host}, port {site.port}, cannot be reached: {error or type(error).__name__}",
        "Look at the address given by --url: does the domain point to this server?",
    )


def health(_: Installation, site: Site) -> Result:
    """Whether the service answers there, is well, and runs this code."""
    try:
        answer = site.get("/health")
    except (OSError, HTTPException) as error:
        return _unreachable(site, error)
    if 300 <= answer.status < 400:
        site.unreachable = "the site sends us elsewhere"
        return failed(f"it sends us to {answer.headers.get('Location')}", "Give that address by --url.")
    if answer.code == "UNAVAILABLE":
        message = answer.json["error"].get("message")
        return failed(f"the service is not well: {message}", "See the checks above; the log says more.")
    if not answer.json.get("success") or "version" not in answer.data:
        return failed(
            f"it answers {answer.status}, but that is not Party",
            "Is the address right, with the mount point (/party)? Does the app run? Its log (stderr.log or "
            "passenger.log) or error_log tells why not; for a 500 it may be a line of .htaccess that the "
            "host does not allow.",
        )
    theirs = answer.data["version"]
    if theirs != VERSION:
        return failed(
            f"it runs {theirs}, this code is {VERSION}",
            "A process from before the last update: touch tmp/restart.txt (or Restart in the panel), wait "
            "10 s, and ask again.",
        )
    return ok(f"ok, version {theirs}")


def clock_of_server(_: Installation, site: Site) -> Result:
    """The web server's clock beside this machine's."""
    before = time.time()
    date = site.get("/health").headers.get("Date")
    if date is None:
        raise Skipped("the server tells no Date")
    # The header has whole seconds: in the middle of its second it is off by half a one at most.
    theirs = email.utils.parsedate_to_datetime(date).timestamp() + 0.5
    return clocks_apart(
        theirs - (before + time.time()) / 2,
        "the server's clock",
        "If it is the server's, TURN credentials end too early or too late: tell the host.",
    )


def cors(installation: Installation, site: Site) -> Result:
    """Whether configured sites may call the service, and no others."""
    origins = installation.settings.ALLOWED_ORIGINS
    foreign = f"https://{secrets.token_hex(8)}.invalid"
    if "*" not in origins and (given := _allowed_origin(site, foreign)):
        return failed(
            f"any site may call the service: {foreign} gets Access-Control-Allow-Origin: {given}",
            "Take the header out of .htaccess or the server's configuration: the app sends it by itself.",
        )
    if refused_origins := [
        origin for origin in origins if _allowed_origin(site, origin) not in (origin, "*")
    ]:
        return failed(
            f"configured, but not let in: {', '.join(refused_origins)}",
            "The server answers OPTIONS itself or takes headers away, or the app runs with other settings "
            "(restart it).",
        )
    return ok(f"let in: {', '.join(origins) or 'only pages of the same origin'}")


def _allowed_origin(site: Site, origin: str) -> str | None:
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    answer = site.request("OPTIONS", f"{site.path}/rooms", asked)
    return answer.headers.get("Access-Control-Allow-Origin")


def authorization(_: Installation, site: Site) -> Result:
    """Whether the header that carries the tokens gets through to the app."""
    answer = site.call("GET", "/signal/doctor/doctor", token="made-up")
    if answer.code == "TOKEN_INVALID":
        return ok("the header reaches the app")
    if answer.code == "TOKEN_REQUIRED":
        return failed(
            "the header gets lost before the app",
            'Put into .htaccess: SetEnvIf Authorization "(.*)" HTTP_AUTHORIZATION=$1; behind a proxy of your '
            "own, let it pass the header on.",
        )
    raise Skipped(f"the service answered {answer.status} {answer.code}".strip())


def client_address(installation: Installation, site: Site) -> Result:
    """Whether limits count the caller's own address: not one it makes up, and not a proxy's.

    One look-up of no room is counted; then the counters tell whose it was.
    """
    with Site(site.url, _source(site)) as caller:
        ours, theirs = caller.addresses
        candidates = {ours, theirs, "127.0.0.1", "::1"}
        before = _counted(installation, candidates)
        looked_up = caller.get(NO_ROOM)
        if looked_up.code != "ROOM_NOT_FOUND":
            raise Skipped(f"a look-up was answered {looked_up.status} {looked_up.code}".strip())
        after = _counted(installation, candidates)
        limit, plain = _join_limit(caller.get("/limits"))
        forged = f"{FORGED_NETWORK}.{secrets.randbelow(250) + 1}"
        _, pretended = _join_limit(caller.get("/limits", {"X-Forwarded-For": ", ".join([forged] * 10)}))
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
        limit = RateLimitItemPerMinute(installation.settings.JOINS_PER_MINUTE)
        storage = DatabaseStorage("party://", installation.database, installation.settings.SECRET_KEY)
    except Skipped:
        return {}
    keys = {
        address: limit.key_for(network_of(ipaddress.ip_address(address)), JOIN_ROOM) for address in addresses
    }
    return {
        address: storage.get_moving_window(key, limit.amount, limit.get_expiry())[1]
        for address, key in keys.items()
    }


def _join_limit(answer: Answer) -> tuple[int, int]:
    """The limit of look-ups, and what is left of it."""
    (found,) = (limit for limit in answer.data["limits"] if limit["action"] == JOIN_ROOM)
    return found["limit"], found["remaining"]


def latency(_: Installation, site: Site) -> Result:
    """How long a poll takes from here, in a room that is opened for it and ended again."""
    created = site.call("POST", "/rooms", body={"hostName": "doctor"})
    if created.code == "RATE_LIMITED":
        raise Skipped("a poll needs a room, and this address has opened as many as it may for now")
    room = created.data
    code, token, me = room["code"], room["you"]["token"], room["you"]["id"]
    seconds = []
    try:
        for _poll in range(POLLS):
            began = time.perf_counter()
            site.call("GET", f"/signal/{code}/{me}?after={room['seq']}", token).data  # noqa: B018
            seconds.append(time.perf_counter() - began)
    finally:
        site.call("DELETE", f"/rooms/{code}", token)
    median, slowest = statistics.median(seconds), max(seconds)
    found = f"{median * 1000:.0f} ms in the median of {POLLS} polls, {slowest * 1000:.0f} ms at most"
    if median > SLOW_SECONDS:
        return warning(
            found,
            "Every poll occupies a process for so long. Look at the account's limits (Resource Usage in "
            "cPanel) and at the time that the database takes, above.",
        )
    return ok(found)


def exposure(_: Installation, site: Site) -> Result:
    """Whether everything that is nobody's business is refused."""
    paths = [f"/{probe}" for probe in PROBES]
    if not _is_loopback(site.host):
        paths.append("/metrics")  # open to this machine alone, or to a token
    shown: list[str] = []
    errors: list[str] = []
    silent = 0
    for number, path in enumerate(paths, 1):
        status = _status(site, site.path + path)
        silent = 0 if status else silent + 1
        if silent == PATIENCE and not shown:
            return warning(
                f"the server stopped answering at address {number} of {len(paths)}",
                "A firewall has probably taken this for an attack and shut us out for a while. Ask the host "
                "to let this machine pass, or try from another one.",
            )
        if silent == PATIENCE:
            break
        if status == 0 or status >= 500:
            errors.append(f"{path[1:]} ({status or 'no answer'})")
        elif not refused(status):
            shown.append(path[1:])
    if shown:
        return failed(
            f"{len(shown)} of {len(paths)} addresses show what they must not: {_some(shown)}",
            "Our .htaccess is missing in the public folder or ignored (the host must allow it: "
            "AllowOverride). Better: move the app's folder out of public_html. Then change each password "
            "and secret that could be read.",
        )
    if errors:
        return warning(
            f"{len(errors)} of {len(paths)} addresses met an error instead of a refusal: {_some(errors)}",
            "A 500 is often a line of .htaccess that the host does not allow: error_log names it. A 503 or "
            "508 is the account's limit: try again.",
        )
    return ok(f"{len(paths)} addresses refused that must be")


def _status(site: Site, target: str) -> int:
    """The status of the answer, after redirects on this site; 404 if they lead away, 0 without an answer."""
    here = f"{'https' if site.is_secure else 'http'}://{site.host}:{site.port}"
    for _redirect in range(REDIRECTS + 1):
        try:
            answer = site.request("GET", target)
        except (OSError, HTTPException):
            return 0
        if not 300 <= answer.status < 400:
            return answer.status
        there = urlsplit(urljoin(here + target, answer.headers.get("Location", "")))
        if (there.hostname, there.port or site.port) != (site.host, site.port):
            break
        target = there._replace(scheme="", netloc="", fragment="").geturl() or "/"
    return 404


def _some(paths: list[str]) -> str:
    return ", ".join(paths if len(paths) <= 10 else [*paths[:10], f"and {len(paths) - 10} more"])


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
