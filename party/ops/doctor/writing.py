"""Whether the database takes changes, found by making one and undoing it."""

from party.db import SchemaBehind
from party.db.mysql import MySQL
from party.errors import Unavailable
from party.ops.doctor.finding import Result, failed, ok, warning
from party.ops.doctor.installation import Installation
from party.ops.doctor.stored import value

# MySQL's default once, and enough for all that we send in one statement.
PACKET_BYTES = 1024 * 1024

_ADVICE = {
    1142: "The app's user may not write. Hosts take INSERT away from accounts over their quota: delete "
    "something or ask the host. Otherwise see the finding about grants.",
    1021: "The disk is full, or your share of it.",
    1114: "The disk is full, or your share of it.",
    1030: "The disk is full, or damaged: ask the host.",
    1290: "The server is set to read-only: ask the host for how long.",
    1836: "The server is set to read-only: ask the host for how long.",
}


def writing(installation: Installation) -> Result:
    """A change as a request makes it, with its commit; nothing is left of it."""
    database = installation.database
    try:
        database.try_to_write()
    except SchemaBehind:
        raise
    except Unavailable as error:
        cause = error.__cause__ or error
        text = cause.args[1] if len(cause.args) > 1 else cause
        advice = _ADVICE.get(cause.args[0] if cause.args else 0, "Show this message to the host.")
        return failed(f"changes are refused: {text}", advice)
    if not isinstance(database.engine, MySQL):
        return ok("changes are taken")
    if (packet := int(str(value(database, "SELECT @@max_allowed_packet")))) < PACKET_BYTES:
        return warning(
            f"max_allowed_packet is {packet}",
            f"Larger quizzes and signals are refused with 413: ask the host for {PACKET_BYTES} or more.",
        )
    if len(database.engine.begin_write) == 1:
        return ok("changes are taken, as REPEATABLE READ, for the server logs statements")
    return ok("changes are taken")
