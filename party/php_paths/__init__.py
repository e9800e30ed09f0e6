"""The paths of the PHP backend that this service replaces, for pages that still speak its protocol.

There an id is the credential, reading consumes, and any id may poll any code. That weakness stays in
here: a participant of these paths has no token, whoever has one is never acted for, and a room that was
not made here is not seen here unless its host allows it.
"""

from flask import Flask

from party.config import Settings
from party.hooks import Feature
from party.php_paths import game, mailbox, routes
from party.php_paths.lookups import Lookups
from party.web.rate_limits import MemberRates

# An old page sends each candidate by itself, all of them at once, and none again that was refused.
TIMES_SENDS_PER_SECOND = 4


def init_app(app: Flask, settings: Settings) -> Feature:
    """Serve them where the setting LEGACY_PHP_PATHS is on."""
    if settings.LEGACY_PHP_PATHS:
        app.extensions["party.php_lookups"] = Lookups()
        app.extensions["party.php_sends"] = MemberRates(TIMES_SENDS_PER_SECOND * settings.SENDS_PER_SECOND)
        app.register_blueprint(routes.blueprint)
        app.register_blueprint(game.blueprint)
    # Cleaned up is also what waited when the setting was turned off.
    return Feature(name="php_paths", jobs=(mailbox.EXPIRED_SIGNALS,))
