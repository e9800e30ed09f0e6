"""What the web server shows of our folder."""

from http.client import HTTPException
from urllib.parse import urljoin, urlsplit

from party.ops.doctor.finding import Result, failed, ok, some, warning
from party.ops.doctor.installation import Installation
from party.ops.doctor.site import Site, is_loopback
from party.ops.exposure import PROBES, refused

REDIRECTS = 3
# So many requests in a row without any answer, and we go no further.
PATIENCE = 3


def exposure(_: Installation, site: Site) -> Result:
    """Whether everything that is nobody's business is refused."""
    paths = [f"/{probe}" for probe in PROBES]
    if not is_loopback(site.host):
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
            f"{len(shown)} of {len(paths)} addresses show what they must not: {some(shown, 10)}",
            "Our .htaccess is missing in the public folder or ignored (the host must allow it: "
            "AllowOverride). Better: move the app's folder out of public_html. Then change each password "
            "and secret that could be read.",
        )
    if errors:
        return warning(
            f"{len(errors)} of {len(paths)} addresses met an error instead of a refusal: {some(errors, 10)}",
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
