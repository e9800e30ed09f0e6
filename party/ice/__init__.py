"""ICE servers: STUN and TURN for browsers behind routers."""

from collections.abc import Callable

from flask import Flask

from party.config import Settings
from party.hooks import Feature
from party.ice import routes
from party.ice.cloudflare import Cloudflare
from party.ice.coturn import Coturn
from party.ice.provider import Provider
from party.ice.static import Static

# By the setting TURN_PROVIDER.
PROVIDERS: dict[str, Callable[[Settings], Provider]] = {
    "coturn": Coturn,
    "static": Static,
    "cloudflare": Cloudflare,
}


def init_app(app: Flask, settings: Settings) -> Feature:
    """Its one call."""
    provider = app.extensions["party.turn"] = PROVIDERS[settings.TURN_PROVIDER](settings)
    if isinstance(provider, Cloudflare):
        # With whatever is asked first: whoever joins after that finds credentials.
        app.before_request(provider.refresh)
    app.register_blueprint(routes.blueprint)
    # Not after every request: nobody else shall pass this file.
    app.after_request_funcs.setdefault("rooms", []).append(routes.enclose)
    return Feature(name="ice")
