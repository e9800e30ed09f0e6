"""`python -m deploy` where something is not as it should be: locks, uncommitted files, damaged files."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.hosting.test_deploy import any_way, copy, ftp, local  # noqa: F401 # fixtures
from tests.support.apache import Apache
from tests.support.deployer import Deployer
from tests.support.ftps import USER, Pyftpdlib

GIT = ["git", "-c", "user.name=Kim", "-c", "user.email=kim@example.org"]
HOUR = 3600
SINCE = "%Y-%m-%d %H:%M:%S UTC"


def test_htaccess_is_there_before_anything_that_it_refuses(any_way: Deployer) -> None:  # noqa: F811
    done = any_way()
    assert done.status == 0, done.output
    first = (any_way.root / ".htaccess").stat().st_ctime_ns
    others = [path for path in any_way.root.rglob("*") if path.name != ".htaccess" and path.is_file()]
    assert len(others) > 100
    assert min(path.stat().st_ctime_ns for path in others) > first


def test_during_the_first_deploy_into_a_document_root_no_file_is_served(copy: Path) -> None:  # noqa: F811
    with Apache("inside", passenger=False) as apache, Pyftpdlib(apache.account.home) as server:
        settings: dict[str, object] = {
            "method": "ftps",
            "host": "127.0.0.1",
            "port": server.port,
            "user": USER,
        }
        settings |= {"app_root": "public_html/party"}
        settings |= {"certificate_authority": str(server.certificate.authority)}
        deploy = Deployer(copy, apache.app_root, settings)
        before = set(apache.app_root.rglob("*"))
        seen: dict[str, int] = {}
        done = threading.Event()

        def look() -> None:
            while True:
                is_last = done.is_set()
                for path in set(apache.app_root.rglob("*")) - before:
                    name = path.relative_to(apache.app_root).as_posix()
                    try:
                        with urllib.request.urlopen(f"{apache.url}/{name}", timeout=10) as answer:
                            seen[name] = answer.status
                    except urllib.error.HTTPError as error:
                        seen.setdefault(name, error.code)
                if is_last:
                    return

        watcher = threading.Thread(target=look)
        watcher.start()
        try:
            ended = deploy()
        finally:
            done.set()
            watcher.join()
    assert ended.status == 0, ended.output
    assert "launcher.py" in seen
    # Of the rules themselves, which everybody may know, the draft comes before there are any.
    assert {name for name, status in seen.items() if status < 400} <= {".htaccess.part"}


# Locks


def plant(local: Deployer, name: str, owner: object) -> Path:  # noqa: F811
    """A lock that somebody has left."""
    folder = local.root / "releases" / name
    folder.mkdir(parents=True)
    if owner is not None:
        (folder / "owner").write_text(owner if isinstance(owner, str) else json.dumps(owner))
    return folder


def dead_pid() -> int:
    """The number of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        return process.pid


def owner(seconds: float, host: str = "elsewhere", pid: int = 1) -> dict[str, object]:
    """Who began so long ago."""
    since = time.strftime(SINCE, time.gmtime(time.time() - seconds))
    return {"key": "k", "host": host, "user": "kim", "pid": pid, "since": since}


def test_what_killed_deploys_have_left_is_cleared_away(local: Deployer) -> None:  # noqa: F811
    now, here = int(time.time()), socket.gethostname()
    plant(local, "lock", owner(60, here, dead_pid()))
    plant(local, "lock-0123456789abcdef", None)
    plant(local, "lock-fedcba9876543210", owner(60, here, dead_pid()))
    plant(local, f"lock-{now}-{dead_pid()}-{here}-01234567", None)
    plant(local, f"lock-{now - 2 * HOUR}-1-elsewhere-01234567", None)
    done = local()
    assert done.status == 0, done.output
    assert not list(local.root.glob("releases/lock*"))


def test_what_deploys_that_live_have_made_stays(local: Deployer) -> None:  # noqa: F811
    now, here = int(time.time()), socket.gethostname()
    kept = {f"lock-{now}-{os.getpid()}-{here}-01234567", f"lock-{now}-1-elsewhere-01234567"}
    for name in kept:
        plant(local, name, None)
    assert local().status == 0
    assert {path.name for path in local.root.glob("releases/lock*")} == kept


def test_an_old_lock_of_another_machine_is_taken_over_and_that_is_said(local: Deployer) -> None:  # noqa: F811
    plant(local, "lock", owner(2 * HOUR))
    done = local()
    assert done.status == 0, done.output
    assert "took over from kim@elsewhere" in done.output
    assert not list(local.root.glob("releases/lock*"))


@pytest.mark.parametrize("left", [owner(60), "no JSON", "[]", {"host": "elsewhere"}])
def test_a_lock_that_may_be_alive_is_named_with_its_path(local: Deployer, left: object) -> None:  # noqa: F811
    folder = plant(local, "lock", left)
    done = local()
    assert done.status == 1
    assert str(folder) in done.output
    assert [path.name for path in folder.parent.glob("lock*")] == ["lock"]


def test_a_deploy_whose_lock_was_taken_over_switches_nothing(ftp: tuple[Deployer, Pyftpdlib]) -> None:  # noqa: F811
    deploy, server = ftp
    server.upload_seconds = 0.02
    slow = deploy.start()
    assert slow.stdout is not None
    next(line for line in slow.stdout if line.startswith("uploaded"))
    (deploy.root / "releases/lock/owner").write_text(json.dumps(owner(0)))
    output = slow.communicate()[0]
    assert slow.returncode == 1
    assert "another deploy has taken over" in output
    assert not (deploy.root / "current").exists()
    # The other's lock is its own to remove.
    assert (deploy.root / "releases/lock/owner").exists()


@pytest.mark.parametrize(
    "moment", ["lock-*", "lock-*/owner.part", "lock-*/owner", "lock", "files/*", "*.json"]
)
def test_a_deploy_killed_at_any_moment_is_followed_by_a_good_one(
    ftp: tuple[Deployer, Pyftpdlib],  # noqa: F811
    moment: str,
) -> None:
    deploy, server = ftp
    server.upload_seconds = 0.01
    process = deploy.start()
    while not list(deploy.root.glob(f"releases/{moment}")) and process.poll() is None:
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    server.upload_seconds = 0
    done = deploy()
    assert done.status == 0, done.output
    assert not list(deploy.root.glob("releases/lock*"))
    assert deploy.running() == deploy.current


# What was not committed


@pytest.fixture
def clone(local: Deployer) -> Deployer:  # noqa: F811
    """A deployer whose working copy is a clone without changes."""
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "All of it"]):
        subprocess.run([*GIT, *command], cwd=local.copy, check=True, capture_output=True)
    return local


def test_a_clone_as_committed_is_deployed(clone: Deployer) -> None:
    # What no release contains may be as it likes; among it is deploy.toml.
    (clone.copy / "notes.txt").write_text("mine")
    clone.edit("docs/client.md")
    done = clone()
    assert done.status == 0, done.output
    assert "not as committed" not in done.output


def test_changed_untracked_ignored_and_deleted_files_are_named_and_not_deployed(clone: Deployer) -> None:
    clone.edit("party/clock.py")
    clone.edit("launcher.py", "# staged\n")
    subprocess.run([*GIT, "add", "launcher.py"], cwd=clone.copy, check=True)
    (clone.copy / "party/static/mine and yours.txt").write_text("untracked")
    (clone.copy / ".git/info/exclude").write_text("secret.py\n")
    (clone.copy / "party/secret.py").write_text("ignored")
    (clone.copy / "party/static/page/icon.svg").unlink()
    heard = [
        "party/clock.py has changed",
        "launcher.py has changed",
        "party/static/mine and yours.txt is not in git",
        "party/secret.py is not in git",
        "party/static/page/icon.svg has been deleted",
    ]
    planned = clone("--dry-run")
    assert planned.status == 0
    assert all(line in planned.output for line in heard)
    refused = clone()
    assert refused.status == 1
    assert all(line in refused.output for line in heard)
    assert not clone.root.exists()
    done = clone("--dirty")
    assert done.status == 0, done.output
    assert all(line in done.output for line in heard)
    assert clone.running() == clone.current


def test_a_clone_of_which_git_says_nothing_is_not_deployed_in_silence(clone: Deployer) -> None:
    (clone.copy / ".git/HEAD").write_text("garbage")
    done = clone()
    assert done.status == 1
    assert "git cannot tell" in done.output
    assert "Traceback" not in done.output


# Damage


GARBAGE = [b"", b"\n", b"\xff\xfe\x00", b"../../etc", b"two\nlines", b"files", b"0.1.0+gone", b"x" * 100_000]


@pytest.mark.parametrize("content", GARBAGE, ids=lambda content: repr(content[:12]))
def test_garbage_in_current_is_told_in_one_line_and_mended_by_a_deploy(
    local: Deployer,  # noqa: F811
    content: bytes,
) -> None:
    local()
    (local.root / "current").write_bytes(content)
    for program in ("passenger_wsgi.py", "party.py"):
        command = [sys.executable, program, "stats"]
        started = subprocess.run(command, cwd=local.root, capture_output=True, text=True, check=False)
        assert started.returncode == 1
        assert started.stderr.startswith(f"party: {local.root}/current names ")
        assert started.stderr.count("\n") == 1
    back = local("--rollback")
    assert back.status == 1
    assert back.output.startswith(f"deploy: {local.root}/current names ")
    mended = local()
    assert mended.status == 0, mended.output
    assert f"unknown: {local.root}/current names" in mended.output
    assert local.running() == local.current


def test_garbage_in_current_is_told_over_ftps_as_well(ftp: tuple[Deployer, Pyftpdlib]) -> None:  # noqa: F811
    deploy, _ = ftp
    deploy()
    (deploy.root / "current").write_bytes(b"a\r\nDELE b\x00")
    done = deploy()
    assert done.status == 0, done.output
    assert "party/current names no release" in done.output


def test_a_damaged_manifest_is_named(local: Deployer) -> None:  # noqa: F811
    local()
    manifest = local.root / f"releases/{local.current}.json"
    manifest.write_text("garbage")
    for done in (local(), local("--rollback")):
        assert done.status == 1
        assert str(manifest) in done.output
        assert "Traceback" not in done.output
    started = subprocess.run(
        [sys.executable, "party.py"], cwd=local.root, capture_output=True, text=True, check=False
    )
    assert str(manifest) in started.stderr
    assert started.stderr.count("\n") == 1


@pytest.mark.parametrize("any_way", ["vsftpd", "ssh"], indirect=True)
def test_what_the_server_refuses_is_named_with_its_path(any_way: Deployer) -> None:  # noqa: F811
    assert any_way().status == 0
    any_way.edit("config.example.py")
    place = any_way.root / "config.example.py"
    place.unlink()
    (place / "in the way").mkdir(parents=True)
    done = any_way()
    assert done.status == 1
    assert "party/config.example.py" in done.output
    assert "Traceback" not in done.output


def test_a_file_that_this_machine_lacks_is_named(local: Deployer) -> None:  # noqa: F811
    (local.copy / ".htaccess").unlink()
    done = local()
    assert done.status == 1
    assert f"{local.copy}/.htaccess: No such file" in done.output
    assert "Traceback" not in done.output
    shutil.rmtree(local.root, ignore_errors=True)
