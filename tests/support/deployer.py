"""Runs `python -m deploy` from a working copy, as an admin would."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.ftps import PASSWORD


@dataclass
class Done:
    """How a deploy ended."""

    status: int
    output: str

    def count(self, word: str) -> int:
        """Lines that begin with this word."""
        return sum(line.startswith(f"{word} ") for line in self.output.splitlines())


@dataclass
class Deployer:
    """A working copy with its deploy.toml, and the folder that it deploys to."""

    copy: Path
    root: Path
    settings: dict[str, object]
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        """The folder above that one."""
        return self.root.parent

    def command(self, *options: str) -> list[str]:
        """Write deploy.toml; the command that reads it."""
        lines = [f"{name} = {json.dumps(value)}" for name, value in self.settings.items()]
        (self.copy / "deploy.toml").write_text("\n".join(lines))
        return [sys.executable, "-m", "deploy", *options]

    def start(self, *options: str) -> "subprocess.Popen[str]":
        """Begin a deploy."""
        return subprocess.Popen(
            self.command(*options),
            cwd=self.copy,
            env={**os.environ, "DEPLOY_PASSWORD": PASSWORD, **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # Whoever runs the tests in the background may have them ignore it, and so would a child.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def __call__(self, *options: str) -> Done:
        """Deploy; the password must not show in what is printed."""
        process = self.start(*options)
        output = process.communicate()[0]
        assert PASSWORD not in output
        return Done(process.returncode, output)

    def edit(self, path: str, addition: str = "# edited\n") -> None:
        """Change a file of the working copy."""
        with (self.copy / path).open("a") as file:
            file.write(addition)

    @property
    def current(self) -> str:
        """The release that new processes run."""
        return (self.root / "current").read_text().strip()

    def running(self) -> str:
        """The version that a process which starts now would run, found as Passenger would."""
        script = "import passenger_wsgi, party.version; print(party.version.VERSION, party.config.ROOT)"
        environment = {"PATH": os.environ["PATH"], "PARTY_DATABASE_URL": f"sqlite:///{self.home}/database"}
        done = subprocess.run(
            [sys.executable, "-c", script],
            cwd=self.root,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        version, root = done.stdout.split()
        assert Path(root) == self.root.resolve()
        return version
