"""`python -m party setup`: what cannot be guessed is asked for, tried, and kept for nobody else."""

import os
import pty
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from party import config
from party.ops import setup
from party.ops.setup import Answers, SetupError
from tests.support.mariadb import DatabaseUrls, MariaDB
from tests.support.server import ROOT

HARD = "p@ss/w:o?r#d%20'\"\\"


@pytest.fixture
def urls(mariadb: MariaDB, monkeypatch: pytest.MonkeyPatch) -> Iterator[DatabaseUrls]:
    """A database as cPanel makes it for the account `ada`, whose app has a password that is hard to write."""
    monkeypatch.setattr(setup, "_prefix", lambda: "ada_")
    monkeypatch.setattr(setup, "_somebody_is_there", lambda: False)
    monkeypatch.setenv("SETUP_PASSWORD", HARD)
    monkeypatch.setenv("SETUP_ADMIN_PASSWORD", "a")
    found = mariadb.create_database("ada_party")
    quoted = HARD.replace("\\", "\\\\").replace("'", "\\'")
    mariadb.execute(f"ALTER USER ada_party_app@'127.0.0.1' IDENTIFIED BY '{quoted}'")
    yield found
    mariadb.execute(
        "DROP DATABASE ada_party", "DROP USER ada_party_app@'127.0.0.1', ada_party_admin@'127.0.0.1'"
    )


def place(urls: DatabaseUrls) -> str:
    return urlsplit(urls.app).netloc.rpartition("@")[2]


def test_it_writes_the_settings_for_nobody_else_and_migrates_with_the_admins_user(
    urls: DatabaseUrls, tmp_path: Path
) -> None:
    answers = Answers(
        place(urls), "party", "party_app", "https://a.example, https://b.example", "party_admin"
    )
    told = list(setup.run(answers, tmp_path))
    assert told[0] == "ada_party_app reaches ada_party"
    path = tmp_path / "config.py"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    settings = config.load_settings(tmp_path, {})
    assert settings.ALLOWED_ORIGINS == ["https://a.example", "https://b.example"]
    assert len(settings.SECRET_KEY) == 43
    assert "padmin" not in path.read_text()
    assert "party_admin" not in path.read_text()
    assert HARD not in " ".join(told)
    # Once more changes nothing.
    before = path.read_bytes()
    assert list(setup.run(Answers(), tmp_path))[-1] == "the schema is up to date"
    assert path.read_bytes() == before


def test_without_an_admins_user_it_tells_the_way_through_phpmyadmin(
    urls: DatabaseUrls, tmp_path: Path
) -> None:
    told = list(setup.run(Answers(place(urls), "ada_party", "ada_party_app"), tmp_path))
    assert "phpMyAdmin" in told[-1]


def test_what_does_not_work_is_told_at_once_and_nothing_is_written(
    urls: DatabaseUrls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SetupError, match="SETUP_DATABASE"):
        list(setup.run(Answers(place(urls)), tmp_path))
    monkeypatch.setenv("SETUP_PASSWORD", "hunter2")
    with pytest.raises(SetupError, match=r"party_app cannot use party: .*Access denied") as told:
        list(setup.run(Answers(place(urls), "party", "party_app"), tmp_path))
    assert "hunter2" not in str(told.value)
    monkeypatch.delenv("SETUP_PASSWORD")
    with pytest.raises(SetupError, match="set SETUP_PASSWORD"):
        list(setup.run(Answers(place(urls), "party", "party_app"), tmp_path))
    monkeypatch.setenv("SETUP_PASSWORD", HARD)
    with pytest.raises(config.ConfigError, match="ALLOWED_ORIGINS"):
        list(setup.run(Answers(place(urls), "party", "party_app", "nonsense/x"), tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_at_a_terminal_it_asks_and_shows_no_password(urls: DatabaseUrls, tmp_path: Path) -> None:
    for name in ("party", "migrations"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "requirements.txt", tmp_path)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "party", "setup", "--host", place(urls)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SETUP_")}
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
        start_new_session=True,
    ):
        os.close(theirs)
        screen = ""
        for question, answer in {
            "Database": "ada_party",
            "The app's database user": "ada_party_app",
            "Password of ada_party_app:": HARD,
            "Sites": "",
            "may change tables": "ada_party_admin",
            "(kept nowhere):": "a",
        }.items():
            screen = _read(ours, question)
            os.write(ours, f"{answer}\n".encode())
        screen = _read(ours, "17 * * * *")
        _read(ours, None)
    os.close(ours)
    assert "applied" in screen
    assert (tmp_path / "config.py").exists()
    assert HARD not in screen


def _read(terminal: int, until: str | None) -> str:
    """What appears until then; None: until the end."""
    found = b""
    while until is None or until.encode() not in found:
        try:
            found += os.read(terminal, 4096)
        except OSError:  # the other side is closed
            assert until is None, found.decode()
            break
    return found.decode()
