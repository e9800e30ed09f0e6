"""What a visitor meets: the service as its address shows it, from here over the network."""

import email.utils
import ssl
import time
from http.client import HTTPException

from party.ops.doctor.finding import Result, Skipped, clocks_apart, failed, ok, warning
from party.ops.doctor.installation import Installation
from party.ops.doctor.site import Site, is_loopback
from party.ops.exposure import refused
from party.version import VERSION

CERTIFICATE_DAYS = 14
# The port on which the same host must not speak plain HTTP.
PLAIN_PORTS = {443: 80}
POLLS = 10
SLOW_SECONDS = 1.0


def tls(_: Installation, site: Site) -> Result:
    """Whether the connection is encrypted, the certificate good, and plain HTTP sent on to it."""
    if not site.is_secure:
        if is_loopback(site.host):
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


def health(installation: Installation, site: Site) -> Result:
    """Whether the service answers there, is well, and runs this code."""
    try:
        answer = site.get("/health")
    except (OSError, HTTPException) as error:
        return _unreachable(site, error)
    if 300 <= answer.status < 400:
        site.unreachable = "the site sends us elsewhere"
        return failed(f"it sends us to {answer.headers.get('Location')}", "Give that address by --url.")
    site.is_party = answer.code == "UNAVAILABLE" or "version" in (answer.json.get("data") or {})
    if answer.code == "UNAVAILABLE":
        message = answer.json["error"].get("message")
        return failed(f"the service is not well: {message}", "See the checks above; the log says more.")
    if not site.is_party:
        return failed(
            f"it answers {answer.status}, but that is not Party",
            "With 403, 406, 429, or a page that wants to see a browser first, a firewall stands in between: "
            "ask the host to let this address through. Otherwise: is the address right, with the mount point "
            "(/party)? Does the app run? Its log (stderr.log or passenger.log) or error_log tells why not; "
            "for a 500 it may be a line of .htaccess that the host does not allow.",
        )
    theirs = answer.data["version"]
    if theirs != VERSION and installation.is_elsewhere:
        return warning(
            f"it runs {theirs}, this code is {VERSION}",
            "As it should be if this code has not been deployed. If it has: touch tmp/restart.txt there (or "
            "Restart in the panel), wait 10 s, and ask again.",
        )
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


def php_paths(installation: Installation, site: Site) -> Result:
    """Whether the PHP backend's addresses reach this service where they should, and nobody else's code."""
    site.expect_party()
    wanted = installation.settings.LEGACY_PHP_PATHS
    answer = site.request("GET", f"{site.path}/endpoints/rooms.php/DOCTOR")
    is_app = answer.is_ours and "X-Request-Id" in answer.headers
    if b"<?php" in answer.body:
        return failed(
            "the PHP backend's source can be read: /endpoints/rooms.php",
            "PHP does not run there. Delete the old backend's files from the public folder, and change the "
            "database's password that stands in them.",
        )
    if not is_app and not refused(answer.status):
        return (failed if wanted else warning)(
            f"the old PHP backend, or another, answers at /endpoints/ ({answer.status})",
            "Move its files out of the public folder, so that "
            + ("the app gets these addresses." if wanted else "nobody goes on with it."),
        )
    if wanted and (not is_app or answer.code == "NOT_FOUND"):
        return failed(
            f"LEGACY_PHP_PATHS is on, but /endpoints/rooms.php answers {answer.status} {answer.code}".strip(),
            "The web server keeps addresses with .php for PHP (see .htaccess), or the app runs with other "
            "settings (restart it).",
        )
    if not wanted:
        return ok("off")
    return ok("on: whoever knows an id acts as its participant, so turn it off when the old pages are gone")
