"""Which sites' pages may call the service."""

import secrets

from party.ops.doctor.finding import Result, failed, ok
from party.ops.doctor.installation import Installation
from party.ops.doctor.site import Site


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
