"""Which sites' pages may call the service."""

import secrets

from party.ops.doctor.finding import Result, failed, ok, some, warning
from party.ops.doctor.installation import Installation
from party.ops.doctor.site import Site

ALLOWED = "Access-Control-Allow-Origin"
# What every call with a token needs to be asked for first.
HEADERS = ("authorization", "content-type")


def cors(installation: Installation, site: Site) -> Result:
    """Whether configured sites may call the service, and no others."""
    origins = installation.settings.ALLOWED_ORIGINS
    strangers = [] if "*" in origins else _strangers(origins)
    if let_in := [origin for origin in strangers if _is_let_in(site, origin)]:
        if installation.is_elsewhere:
            return warning(
                f"any site may call the service: {let_in[0]} is let in",
                "Right if ALLOWED_ORIGINS has * there. Otherwise the server adds the header: see .htaccess.",
            )
        return failed(
            f"any site may call the service: {some(let_in)} gets {ALLOWED}",
            "Take the header out of .htaccess or the server's configuration: the app sends it by itself.",
        )
    configured = [origin for origin in origins if origin != "*"] or ["https://any.invalid"] * ("*" in origins)
    problems = {origin: _problem(site, origin) for origin in configured}
    if strange := [f"{origin} ({problem})" for origin, problem in problems.items() if problem]:
        return failed(f"configured, but cannot call: {some(strange)}", _SERVER)
    if refused := [origin for origin, problem in problems.items() if problem is None]:
        return failed(
            f"configured, but not let in: {some(refused)}",
            "The server answers OPTIONS itself or takes headers away, or the app runs with other settings "
            "(restart it).",
        )
    return ok(f"let in: {', '.join(origins) or 'only pages of the same origin'}")


_SERVER = (
    "The app sends these headers by itself, once. Take them out of .htaccess or the server's configuration, "
    "and let OPTIONS and the app's headers through."
)


def _strangers(origins: list[str]) -> list[str]:
    """Origins that nobody configured: any, none, and those that look like the configured ones."""
    word = secrets.token_hex(8)
    found = [f"https://{word}.invalid", "null"]
    for origin in origins:
        scheme, _, host = origin.partition("://")
        found += [f"{origin}.{word}.invalid", f"{scheme}://{word}{host}", f"{scheme}://{word}.{host}"]
        found += [f"http://{host}"] * (scheme == "https")
    return [origin for origin in found if origin not in origins]


def _preflight(site: Site, origin: str) -> dict[str, str]:
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": ",".join(HEADERS),
    }
    return site.request("OPTIONS", f"{site.path}/rooms", asked).headers


def _actual(site: Site, origin: str) -> dict[str, str]:
    return site.request("GET", f"{site.path}/health", {"Origin": origin}).headers


def _is_let_in(site: Site, origin: str) -> bool:
    """Whether a browser would hand the answer to a page of this origin."""
    given = ",".join(ask(site, origin).get(ALLOWED, "") for ask in (_preflight, _actual))
    return bool({part.strip() for part in given.split(",")} & {origin, "*"})


def _problem(site: Site, origin: str) -> str | None:
    """What keeps pages of a configured origin from calling: nothing, or None if they are simply refused."""
    preflight, actual = _preflight(site, origin), _actual(site, origin)
    if not preflight.get(ALLOWED) and not actual.get(ALLOWED):
        return None
    for name, headers in (("the answer to OPTIONS", preflight), ("the answer itself", actual)):
        given = headers.get(ALLOWED, "")
        if not given:
            return f"{name} lacks {ALLOWED}"
        if "," in given:
            return f"{name} has {ALLOWED} twice"
        if given not in (origin, "*"):
            return f"{name} has {ALLOWED}: {given}"
    allowed = {part.strip().lower() for part in preflight.get("Access-Control-Allow-Headers", "").split(",")}
    if lacking := [header for header in HEADERS if header not in allowed and "*" not in allowed]:
        return f"{', '.join(lacking)} is not allowed"
    return ""
