"""What the web server shows of our folder."""

import secrets
from http.client import HTTPException
from urllib.parse import unquote, urljoin, urlsplit

from party.ops.doctor.finding import Result, failed, ok, some, warning
from party.ops.doctor.installation import Installation
from party.ops.doctor.site import READ_BYTES, Answer, Site, is_loopback
from party.ops.exposure import PROBES, refused

REDIRECTS = 3
# So many requests in a row without any answer, and we go no further.
PATIENCE = 3
# Files in which there may be passwords.
SECRET = ("config", ".env", "instance", "secret", "backup", "sql", "party.zip", "party.db", "log")


def exposure(installation: Installation, site: Site) -> Result:
    """Whether everything that is nobody's business is refused."""
    paths = [f"/{probe}" for probe in PROBES]
    if not is_loopback(site.host):
        paths.append("/metrics")  # open to this machine alone, or to a token
    shown: list[str] = []
    ours: list[str] = []
    errors: list[str] = []
    silent = 0
    for number, path in enumerate(paths, 1):
        answer = _answer(site, site.path + path)
        status = answer.status if answer else 0
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
        elif answer and not refused(status):
            shown.append(path[1:])
            ours += [path[1:]] * _is_our_file(installation, path, answer)
    if shown and (site.is_party or ours):
        return _exposed(site, shown, ours, len(paths))
    if shown:
        return warning(
            f"{len(shown)} of {len(paths)} addresses show something, but this is not Party: "
            + some(shown, 10),
            "Give the service's own address by --url, with the mount point (/party), and ask again. This one "
            "shows what another site has there; nothing of it is known to be ours.",
        )
    if errors:
        return warning(
            f"{len(errors)} of {len(paths)} addresses met an error instead of a refusal: {some(errors, 10)}",
            "A 500 is often a line of .htaccess that the host does not allow: error_log names it. A 503 or "
            "508 is the account's limit: try again.",
        )
    return ok(f"{len(paths)} addresses refused that must be")


def _exposed(site: Site, shown: list[str], ours: list[str], of: int) -> Result:
    """Told where the service answers, or where what is shown is known to be this installation's."""
    nowhere = _answer(site, f"{site.path}/{secrets.token_hex(12)}")
    if not ours and nowhere is not None and not refused(nowhere.status):
        return warning(
            f"every address is answered with {nowhere.status}, whether there is such a file or not",
            "A page of the server's own for addresses that do not exist should have the status 404.",
        )
    read = [path for path in ours or shown if any(word in path.lower() for word in SECRET)]
    change = f" Then change each password and secret in {some(read, 3)}." if read else ""
    return failed(
        f"{len(shown)} of {of} addresses show what they must not: {some(shown, 10)}",
        "Our .htaccess is missing in the public folder or ignored (the host must allow it: "
        f"AllowOverride). Better: move the app's folder out of public_html.{change}",
    )


def _is_our_file(installation: Installation, path: str, answer: Answer) -> bool:
    """Whether the answer is the content of this installation's own file of that name."""
    for folder in (installation.root, installation.code):
        file = folder / unquote(path).lstrip("/")
        try:
            if file.is_file() and answer.body and file.read_bytes()[:READ_BYTES] == answer.body:
                return True
        except (OSError, ValueError):
            continue
    return False


def _answer(site: Site, target: str) -> Answer | None:
    """The answer, after redirects on this site; 404 if they lead away, None without an answer."""
    here = f"{'https' if site.is_secure else 'http'}://{site.host}:{site.port}"
    for _redirect in range(REDIRECTS + 1):
        try:
            answer = site.request("GET", target)
        except (OSError, HTTPException):
            return None
        if not 300 <= answer.status < 400:
            return answer
        there = urlsplit(urljoin(here + target, answer.headers.get("Location", "")))
        if (there.hostname, there.port or site.port) != (site.host, site.port):
            break
        target = there._replace(scheme="", netloc="", fragment="").geturl() or "/"
    return Answer(404, {}, b"")
