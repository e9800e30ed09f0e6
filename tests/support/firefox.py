"""Headless Firefox, driven by its own protocol, Marionette, for Playwright drives no Firefox of Debian's."""

import json
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.support.processes import die_with_parent, free_port

START_SECONDS = 60
PREFERENCES = {
    # WebRTC between two browsers of a machine without mDNS, which would hide the local addresses.
    "media.peerconnection.ice.obfuscate_host_addresses": False,
    "media.peerconnection.ice.loopback": True,
    "datareporting.policy.dataSubmissionEnabled": False,
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "browser.safebrowsing.update.enabled": False,
    "extensions.systemAddon.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,",
    "toolkit.telemetry.reportingpolicy.firstRun": False,
}


class Firefox:
    """One Firefox with a fresh profile and one tab. Starts at once."""

    def __init__(self, path: str) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="party-firefox-", ignore_cleanup_errors=True)
        port = free_port()
        lines = [
            f"user_pref({json.dumps(name)}, {json.dumps(value)});"
            for name, value in {**PREFERENCES, "marionette.port": port}.items()
        ]
        (Path(self._folder.name) / "user.js").write_text("\n".join(lines))
        self._process = subprocess.Popen(
            [path, "--headless", "--marionette", "--no-remote", "--profile", self._folder.name],
            env={"HOME": self._folder.name, "PATH": "/usr/bin:/bin", "MOZ_DISABLE_AUTO_SAFE_MODE": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=die_with_parent,
        )
        self._socket = self._connect(port)
        self._answers = self._socket.makefile("rb")
        self._read()  # it introduces itself
        self._calls = 0
        self._call("WebDriver:NewSession", {})
        self._call("WebDriver:SetTimeouts", {"script": 60_000})

    def goto(self, url: str) -> None:
        """Open a page."""
        self._call("WebDriver:Navigate", {"url": url})

    def run(self, body: str, *args: Any) -> Any:
        """Run JavaScript in the page: the body of an async function whose arguments are `args`."""
        script = (
            "const [args, done] = [[...arguments].slice(0, -1), arguments[arguments.length - 1]];"
            f"(async () => {{ {body} }})().then((value) => done([value]), (error) => done(String(error)));"
        )
        found = self._call("WebDriver:ExecuteAsyncScript", {"script": script, "args": args})["value"]
        if not isinstance(found, list):
            raise RuntimeError(found)
        return found[0] if found else None

    def _connect(self, port: int) -> socket.socket:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                return socket.create_connection(("127.0.0.1", port), timeout=120)
            except ConnectionError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise
                time.sleep(0.1)

    def _call(self, command: str, parameters: dict[str, Any]) -> Any:
        self._calls += 1
        message = json.dumps([0, self._calls, command, parameters]).encode()
        self._socket.sendall(b"%d:%b" % (len(message), message))
        _, _, error, result = self._read()
        if error:
            raise RuntimeError(f"{command}: {error['message']}")
        return result

    def _read(self) -> Any:
        length = b""
        while not length.endswith(b":"):
            byte = self._answers.read(1)
            if not byte:
                raise ConnectionError("Firefox has gone")
            length += byte
        return json.loads(self._answers.read(int(length[:-1])))

    def __enter__(self) -> "Firefox":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()
        self._process.terminate()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()
