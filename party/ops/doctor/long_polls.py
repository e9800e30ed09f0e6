"""Whether LONG_POLL_SECONDS can do here what it says."""

from party import passenger
from party.ops.doctor.finding import Result, ok, warning
from party.ops.doctor.installation import Installation


def long_polls(installation: Installation) -> Result:
    """Whether polls are to be held, and whether Passenger keeps them from it."""
    seconds = installation.settings.LONG_POLL_SECONDS
    if not seconds:
        return ok("LONG_POLL_SECONDS is 0: polls are answered at once")
    if passenger.runs(installation.root):
        return warning(
            f"LONG_POLL_SECONDS is {seconds:g}, but {passenger.NOT_HELD}",
            "Take it out of the settings: it counts as 0. To hold polls, a server of your own is needed: "
            "docs/deploy-vps.md.",
        )
    return ok(f"LONG_POLL_SECONDS is {seconds:g} (behind Passenger it would count as 0)")
