"""What can go wrong on the way to the server."""


class DeployError(Exception):
    """The deploy cannot go on. The message says why, and what to do, in words for an admin."""


class ConnectionLost(DeployError):
    """The connection broke; the same may work with a new one."""


class DamagedPointer(DeployError):
    """The server's file `current` names no release that is there."""


DISK_FULL = "the server's disk, or the account's share of it, is full"
