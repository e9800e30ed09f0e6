"""Homes behind routers with NAT, and an internet between them: networks of their own, made by the kernel.

Nothing in them can reach anything outside: the addresses are those for documentation (RFC 5737), and all that
there is ends with the process that has made it.
"""

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.processes import missing, needs

CLONE_NEWNET = 0x40000000
HERE = "/proc/thread-self/ns/net"
# Where servers are.
INTERNET = "192.0.2.1"

# What comes from outside uninvited is dropped: the kernel would otherwise note that the router itself was
# meant, and give the home another port when it answers.
_ROUTER = """
flush ruleset
table ip router {
    chain outward { type nat hook postrouting priority srcnat; oifname "out" masquerade %s; }
    chain uninvited { type filter hook input priority filter; iifname "out" drop; }
    chain forward { type filter hook forward priority filter; %s; }
}
"""
# A router by which a home has the same port for all whom it talks to, one that gives it another for each, and
# a school's, which lets no UDP out.
CONE = _ROUTER % ("", "accept")
SYMMETRIC = _ROUTER % ("random,fully-random", "accept")
SCHOOL = _ROUTER % ("", "meta l4proto udp drop")


class Network:
    """One network namespace; made at once, and without a name, so that nothing is left behind."""

    def __init__(self) -> None:
        with _coming_back():
            _check(ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET))
            self._fd = os.open(HERE, os.O_RDONLY)
            self.ip("link set lo up")

    @property
    def path(self) -> str:
        """What programs are told in order to enter it."""
        return f"/proc/{os.getpid()}/fd/{self._fd}"

    @contextmanager
    def inside(self) -> Iterator[None]:
        """What this thread opens and starts meanwhile is in this network."""
        with _coming_back():
            _enter(self._fd)
            yield

    def ip(self, *lines: str) -> None:
        """Commands of `ip`."""
        self._run([needs("ip", "iproute2"), "-batch", "-"], "\n".join(lines))

    def filter(self, rules: str) -> None:
        """A script for `nft`."""
        self._run([needs("nft", "nftables"), "--file", "-"], rules)

    def forward(self) -> None:
        """Pass packets on between others."""
        with self.inside():
            Path("/proc/sys/net/ipv4/ip_forward").write_text("1")

    def close(self) -> None:
        """It ends with the last process in it."""
        os.close(self._fd)

    def _run(self, command: list[str], text: str) -> None:
        with self.inside():
            done = subprocess.run(command, input=f"{text}\n", capture_output=True, text=True, check=False)
        if done.returncode:
            raise OSError(f"{command[0]}: {done.stderr}")


class Home:
    """A computer's network behind a router; `router.filter(SYMMETRIC)` exchanges the router."""

    def __init__(self, internet: Network, name: str, outside: str, inside: int) -> None:
        self.router, self.network = Network(), Network()
        internet.ip(
            f"link add name {name} type veth peer name out netns {self.router.path}",
            f"address add {outside}.1/24 dev {name}",
            f"link set {name} up",
        )
        self.router.ip(
            f"address add {outside}.2/24 dev out",
            "link set out up",
            f"route add default via {outside}.1",
            f"link add name in type veth peer name out netns {self.network.path}",
            f"address add 192.0.2.{inside}/26 dev in",
            "link set in up",
        )
        self.network.ip(
            f"address add 192.0.2.{inside + 1}/26 dev out",
            "link set out up",
            f"route add default via 192.0.2.{inside}",
        )
        self.router.forward()
        self.router.filter(CONE)

    def command(self, program: str, folder: Path) -> str:
        """A script that runs a program there."""
        script = folder / f"{Path(program).name}-at-home"
        script.write_text(f'#!/bin/sh\nexec nsenter --net={self.network.path} {program} "$@"\n')
        script.chmod(0o700)
        return str(script)


class World:
    """Two homes and the internet."""

    def __init__(self) -> None:
        self.internet = Network()
        # What is sent to the addresses within homes gets lost, as it does in life, without an error.
        self.internet.ip(
            f"address add {INTERNET}/32 dev lo",
            "link add name nowhere type veth peer name void",
            "link set nowhere up arp off",
            "link set void up arp off",
            "route add default dev nowhere",
        )
        self.homes = [
            Home(self.internet, "first", "198.51.100", 65),
            Home(self.internet, "second", "203.0.113", 129),
        ]
        self.internet.forward()

    def close(self) -> None:
        """All of it ends with the last process in it."""
        for home in self.homes:
            home.network.close()
            home.router.close()
        self.internet.close()


def make_world() -> World:
    """The networks. Skips the test where nobody may make them; for root in CI that is a failure."""
    if os.geteuid() != 0:
        pytest.skip("networks of our own need root")
    try:
        return World()
    except OSError as error:
        missing(f"no networks of our own can be made: {error}")


@contextmanager
def _coming_back() -> Iterator[None]:
    """Afterwards this thread is where it was."""
    home = os.open(HERE, os.O_RDONLY)
    try:
        yield
    finally:
        _enter(home)
        os.close(home)


def _enter(network: int) -> None:
    _check(ctypes.CDLL(None, use_errno=True).setns(network, CLONE_NEWNET))


def _check(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
