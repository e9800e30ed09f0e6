"""`python -m deploy`: what it puts where, when it switches, and what it does when something breaks.

The whole morning of an admin, with Apache and Passenger, is in test_morning.py.
"""

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy import health, htaccess
from deploy.errors import ConnectionLost, DeployError
from deploy.settings import load
from deploy.ssh import SshAccount
from tests.support.apache import NOT_IN_A_CLONE, Account
from tests.support.deployer import Deployer
from tests.support.ftps import USER, Pyftpdlib, Vsftpd
from tests.support.processes import needs
from tests.support.server import ROOT, Server
from tests.support.ssh import SshServer

HOST_BLOCK = b"# DO NOT REMOVE. CLOUDLINUX PASSENGER CONFIGURATION BEGIN\n# theirs\n# END\n"
ADMINS = {
    "config.py": b"DEMO = True\n",
    ".env": b"PARTY_DEMO=1\n",
    "instance/secret_key": b"secret",
    "tmp/other": b"theirs",
    "stderr.log": b"log",
}


def files_below(folder: Path) -> dict[str, bytes]:
    """Every file and its content."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A working copy of the repository."""
    folder = tmp_path / "working-copy"
    shutil.copytree(ROOT, folder, ignore=NOT_IN_A_CLONE)
    return folder


@pytest.fixture
def local(copy: Path, tmp_path: Path) -> Deployer:
    """Deploys to a folder of this machine."""
    home = tmp_path / "home"
    home.mkdir()
    return Deployer(copy, home / "party", {"method": "local", "app_root": str(home / "party")})


@pytest.fixture
def ftp(copy: Path, tmp_path: Path) -> Iterator[tuple[Deployer, Pyftpdlib]]:
    """Deploys over FTPS to a server that fails at will."""
    home = tmp_path / "home"
    home.mkdir()
    with Pyftpdlib(home) as server:
        settings = {
            "method": "ftps",
            "host": "127.0.0.1",
            "port": server.port,
            "user": USER,
            "app_root": "party",
            "public_folder": "public_html/party",
            "certificate_authority": str(server.certificate.authority),
        }
        yield Deployer(copy, home / "party", settings), server


@pytest.fixture(params=["local", "pyftpdlib", "vsftpd", "ssh"])
def any_way(request: pytest.FixtureRequest, copy: Path) -> Iterator[Deployer]:
    """Each way to the account."""
    if request.param == "local":
        deployer: Deployer = request.getfixturevalue("local")
        deployer.settings["public_folder"] = str(deployer.home / "public_html/party")
        yield deployer
        return
    if request.param == "pyftpdlib":
        yield request.getfixturevalue("ftp")[0]
        return
    account = Account()
    try:
        settings: dict[str, object] = {
            "host": "127.0.0.1",
            "user": account.name,
            "app_root": "party",
            "public_folder": "public_html/party",
        }
        if request.param == "vsftpd":
            with Vsftpd(account) as vsftpd:
                more = {"method": "ftps", "port": vsftpd.port}
                trusted = {"certificate_authority": str(vsftpd.certificate.authority)}
                yield Deployer(copy, account.home / "party", {**settings, **more, **trusted})
        else:
            with SshServer(account) as ssh:
                more = {"method": "ssh", "port": ssh.port, "ssh_config": str(ssh.config)}
                yield Deployer(copy, account.home / "party", {**settings, **more})
    finally:
        account.remove()


def test_a_release_is_uploaded_switched_to_updated_and_rolled_back(any_way: Deployer) -> None:
    deploy = any_way
    assert deploy("--dry-run").status == 0
    assert not deploy.root.exists()

    first = deploy()
    assert first.status == 0, first.output
    assert deploy.running() == deploy.current
    assert re.fullmatch(r"\d+\.\d+\.\d+\+[0-9a-f]{8}", deploy.current)
    old = deploy.current
    public = deploy.home / "public_html/party"
    assert public.stat().st_mode & 0o777 == 0o755
    assert (public / ".htaccess").stat().st_mode & 0o777 == 0o644

    for name, content in ADMINS.items():
        (deploy.root / name).parent.mkdir(exist_ok=True)
        (deploy.root / name).write_bytes(content)
    deploy.edit("party/rooms/stream.py")
    planned = deploy("--dry-run")
    assert planned.count("upload") == 1
    assert deploy.current == old
    second = deploy()
    assert second.status == 0, second.output
    assert second.count("uploaded") == 1
    assert "uploaded party/rooms/stream.py" in second.output
    new = deploy.current
    assert new != old
    assert (deploy.root / f"releases/{old}.json").exists()
    assert (deploy.root / "tmp/restart.txt").exists()

    back = deploy("--rollback")
    assert back.status == 0, back.output
    assert deploy.current == old
    assert {name: (deploy.root / name).read_bytes() for name in ADMINS} == ADMINS
    assert not list(deploy.root.glob("releases/lock*"))


def test_a_process_runs_one_release_whole(local: Deployer) -> None:
    local()
    old = local.current
    assert local.running() == old
    local.edit("party/version.py")
    local()
    assert local.running() == local.current != old
    local("--rollback")
    assert local.running() == old


def test_processes_that_start_at_once_put_a_release_together_once(local: Deployer) -> None:
    local()
    starts = [
        subprocess.Popen(
            [sys.executable, "-c", "import launcher; launcher.use_current_release(); import party.version"],
            cwd=local.root,
            env={"PATH": os.environ["PATH"]},
            stderr=subprocess.PIPE,
        )
        for _ in range(12)
    ]
    assert [(start.communicate()[1], start.returncode) for start in starts] == [(b"", 0)] * 12
    folders = {path.name for path in (local.root / "releases").iterdir()}
    assert folders == {"files", local.current, f"{local.current}.json"}


def test_a_damaged_file_is_not_run(local: Deployer) -> None:
    local()
    damaged = next((local.root / "releases/files").iterdir())
    damaged.write_bytes(b"x")
    done = subprocess.run(
        [sys.executable, "passenger_wsgi.py"], cwd=local.root, capture_output=True, text=True, check=False
    )
    assert done.returncode
    assert f"{damaged.name} is damaged" in done.stderr
    assert not (local.root / f"releases/{local.current}").exists()


def test_commands_run_the_current_release(local: Deployer) -> None:
    local()
    environment = {"PATH": os.environ["PATH"]}
    for command in (["-m", "party"], ["party.py"]):
        done = subprocess.run(
            [sys.executable, *command, "migrate"],
            cwd=local.root,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert "up to date" in done.stdout
    assert (local.root / "instance/party.sqlite3").exists()


def test_what_root_put_together_the_apps_user_can_run(local: Deployer) -> None:
    local()
    local.running()
    program = local.root / f"releases/{local.current}/app.py"
    assert all(path.stat().st_mode & 0o005 for path in (program, program.parent))


def test_what_a_killed_process_has_left_is_no_release_and_goes_with_time(local: Deployer) -> None:
    local()
    draft = local.root / "releases/.draft-0123"
    (draft / "party").mkdir(parents=True)
    local.running()
    assert draft.exists()
    os.utime(draft, (0, 0))
    local.edit("party/rooms/stream.py")
    local()
    local.running()
    assert not draft.exists()


def test_only_what_a_deploy_uploaded_is_deleted_and_one_release_is_kept_to_go_back_to(
    local: Deployer,
) -> None:
    local()
    for name, content in ADMINS.items():
        (local.root / name).parent.mkdir(exist_ok=True)
        (local.root / name).write_bytes(content)
    releases = [local.current]
    local.running()
    for line in "123":
        local.edit("party/rooms/stream.py", f"# {line}\n")
        assert local().status == 0
        releases.append(local.current)
        local.running()
    kept = {path.stem for path in (local.root / "releases").glob("*.json")}
    # Older ones went with their files, and what the launcher made of them with the next start.
    assert kept == set(releases[-2:])
    contents = {
        digest
        for name in releases[-2:]
        for digest in json.loads((local.root / f"releases/{name}.json").read_text())["files"].values()
    }
    assert {path.name for path in (local.root / "releases/files").iterdir()} == contents
    assert not (local.root / f"releases/{releases[0]}").exists()
    assert {name: (local.root / name).read_bytes() for name in ADMINS} == ADMINS


def test_nothing_is_to_be_uploaded_twice(ftp: tuple[Deployer, Pyftpdlib]) -> None:
    deploy, server = ftp
    deploy()
    server.stored.clear()
    again = deploy()
    assert again.status == 0
    assert set(server.stored) == {"owner.part", "current.part", "restart.txt.part"} | {
        name for name in server.stored if name.endswith(".json.part")
    }


def test_the_hosts_lines_in_htaccess_stay(ftp: tuple[Deployer, Pyftpdlib]) -> None:
    deploy, _ = ftp
    public = deploy.home / "public_html/party"
    public.mkdir(parents=True)
    (public / ".htaccess").write_bytes(HOST_BLOCK)
    deploy()
    merged = (public / ".htaccess").read_bytes()
    assert merged.startswith(HOST_BLOCK)
    assert b"# BEGIN Party" in merged
    (public / ".htaccess").write_bytes(merged.replace(b"Options", b"# Options") + b"\n# theirs as well\n")
    deploy()
    assert (public / ".htaccess").read_bytes() == merged + b"\n# theirs as well\n"


@pytest.mark.parametrize("existing", [b"", b"x", b"x\n", b"caf\xe9 \xff\n\n", b"a\r\nb\r\n"])
def test_our_section_is_added_once_and_replaced_after_that(existing: bytes) -> None:
    ours = b"# not of it\n# BEGIN Party\nour lines\n# END Party\n"
    once = htaccess.merge(existing, ours)
    assert once.startswith(existing)
    assert b"not of it" not in once
    assert htaccess.merge(once, ours) == once
    newer = htaccess.merge(once, ours.replace(b"our lines", b"other \\1 lines"))
    assert newer == once.replace(b"our lines", b"other \\1 lines")


def test_a_working_copy_of_windows_makes_the_same_section() -> None:
    ours = b"# BEGIN Party\nour lines\n# END Party\n"
    assert htaccess.merge(b"theirs\n", ours.replace(b"\n", b"\r\n")) == htaccess.merge(b"theirs\n", ours)


@pytest.mark.parametrize("existing", [b"# BEGIN Party\n", b"# END Party\n# BEGIN Party\n", b"# END Party\n"])
def test_a_section_without_beginning_or_end_is_left_to_a_person(existing: bytes) -> None:
    with pytest.raises(DeployError):
        htaccess.merge(existing, b"# BEGIN Party\n# END Party\n")


def test_a_broken_connection_is_taken_up_again(ftp: tuple[Deployer, Pyftpdlib]) -> None:
    deploy, server = ftp
    server.cuts = 2
    done = deploy()
    assert done.status == 0, done.output
    assert done.output.count("trying again") == 2, done.output
    assert server.cuts == 0
    assert deploy.running() == deploy.current


def test_a_connection_that_keeps_breaking_leaves_the_running_release_alone(
    ftp: tuple[Deployer, Pyftpdlib],
) -> None:
    deploy, server = ftp
    deploy()
    before, files = deploy.current, files_below(deploy.root)
    deploy.edit("party/rooms/stream.py")
    server.cuts = 1_000
    process = deploy.start()
    assert process.stdout is not None
    line = next(line for line in process.stdout if "trying again" in line)
    assert "the connection broke" in line
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert process.returncode
    assert deploy.current == before == deploy.running()
    after = files_below(deploy.root)
    assert {name: after.get(name) for name in files} == files


def test_an_interrupted_deploy_leaves_no_lock(ftp: tuple[Deployer, Pyftpdlib]) -> None:
    deploy, server = ftp
    deploy()
    before = deploy.current
    deploy.edit("party/rooms/stream.py", "#" * 10_000_000)
    server.upload_seconds = 0.02
    process = deploy.start()
    while not list(deploy.root.glob("releases/files/*.part")):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    output = process.communicate()[0]
    assert process.returncode == 1
    assert "Aborted!" in output
    assert not list(deploy.root.glob("releases/lock*"))
    assert deploy.current == before == deploy.running()


def test_over_ssh_a_file_is_replaced_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs("rsync", "rsync")
    # The command has begun when the connection breaks: nothing more arrives, and nobody hears how it ends.
    ssh = tmp_path / "ssh"
    ssh.write_text('#!/bin/sh\nfor script; do :; done\nsh -c "$script" </dev/null\nexit 255\n')
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr("deploy.retry.PAUSES_SECONDS", ())
    file = tmp_path / "current"
    file.write_text("before")
    account = SshAccount("example.org", None, "", None)
    with pytest.raises(ConnectionLost):
        account.write(str(file), b"after")
    account.close()
    assert file.read_text() == "before"


def test_a_killed_deploy_is_resumed_and_its_lock_broken(ftp: tuple[Deployer, Pyftpdlib]) -> None:
    deploy, server = ftp
    server.upload_seconds = 0.02
    process = deploy.start()
    assert process.stdout is not None
    for _ in range(30):
        next(line for line in process.stdout if line.startswith("uploaded"))
    process.kill()
    process.communicate()
    assert (deploy.root / "releases/lock").exists()
    assert not (deploy.root / "current").exists()
    server.upload_seconds = 0
    server.stored.clear()
    done = deploy()
    assert done.status == 0, done.output
    total = len(json.loads((deploy.root / f"releases/{deploy.current}.json").read_text())["files"])
    assert done.count("uploaded") <= total - 30
    assert deploy.running() == deploy.current
    assert not list(deploy.root.glob("releases/lock*"))


def test_of_two_deploys_at_once_the_second_is_refused(ftp: tuple[Deployer, Pyftpdlib]) -> None:
    deploy, server = ftp
    server.upload_seconds = 0.02
    first = deploy.start()
    assert first.stdout is not None
    next(line for line in first.stdout if line.startswith("uploaded"))
    second = deploy()
    assert second.status == 1
    assert "has been deploying since" in second.output
    output = first.communicate()[0]
    assert first.returncode == 0, output
    assert deploy.running() == deploy.current


def test_a_lock_from_another_machine_is_not_broken(local: Deployer) -> None:
    lock = local.root / "releases/lock"
    lock.mkdir(parents=True)
    (lock / "owner").write_text(json.dumps({"host": "elsewhere", "user": "kim", "pid": 1, "since": "noon"}))
    refused = local()
    assert refused.status == 1
    assert "kim@elsewhere has been deploying since noon" in refused.output
    assert not (local.root / "current").exists()
    assert [path.name for path in lock.parent.glob("lock*")] == ["lock"]


@contextmanager
def full_disk(folder: Path) -> Iterator[None]:
    """Put this folder on a disk of its own that has room for little more than what is in it."""
    page = 4096
    owner = folder.stat()
    contents = files_below(folder)
    pages = sum(-(-len(content) // page) for content in contents.values()) + 10
    options = f"size={pages * page},uid={owner.st_uid},gid={owner.st_gid},mode=755"
    command = ["mount", "-t", "tmpfs", "-o", options, "full", str(folder)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        for name, content in contents.items():
            (folder / name).write_bytes(content)
            os.chown(folder / name, owner.st_uid, owner.st_gid)
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


# Not pyftpdlib: on a full disk its own error handling fails, and it falls silent.
@pytest.mark.parametrize("any_way", ["local", "vsftpd", "ssh"], indirect=True)
def test_a_full_disk_leaves_the_running_release_alone(any_way: Deployer) -> None:
    deploy = any_way
    deploy()
    before = deploy.running()
    deploy.edit("party/rooms/stream.py", "#" * 100_000)
    with full_disk(deploy.root / "releases/files"):
        done = deploy()
    assert done.status == 1
    assert "the server's disk, or the account's share of it, is full" in done.output
    assert "Traceback" not in done.output
    assert deploy.current == before == deploy.running()
    assert not list(deploy.root.glob("releases/lock*"))
    assert deploy().status == 0


def test_a_certificate_that_is_not_the_servers_is_refused(
    copy: Path, ftp: tuple[Deployer, Pyftpdlib], tmp_path: Path
) -> None:
    deploy, _ = ftp
    del deploy.settings["certificate_authority"]
    unknown = deploy()
    assert unknown.status == 1
    assert "certificate of 127.0.0.1 cannot be trusted" in unknown.output
    with Pyftpdlib(tmp_path, certificate_for="other.example.org") as other:
        deploy.settings |= {
            "port": other.port,
            "certificate_authority": str(other.certificate.authority),
        }
        wrong_name = deploy()
    assert wrong_name.status == 1
    assert "certificate of 127.0.0.1 cannot be trusted" in wrong_name.output
    assert "Traceback" not in unknown.output + wrong_name.output
    assert not deploy.root.exists()


def test_a_wrong_password_is_told_and_asked_of_nobody(ftp: tuple[Deployer, Pyftpdlib]) -> None:
    deploy, _ = ftp
    deploy.environment["DEPLOY_PASSWORD"] = "wrong and secret"
    refused = deploy()
    assert refused.status == 1
    assert "refused the user name or the password" in refused.output
    assert "wrong and secret" not in refused.output
    assert not deploy.root.exists()


def test_a_server_that_is_not_there_is_told_at_once(ftp: tuple[Deployer, Pyftpdlib]) -> None:
    deploy, _ = ftp
    deploy.settings["port"] = 1
    began = time.monotonic()
    done = deploy()
    assert done.status == 1
    assert "no FTP with TLS at 127.0.0.1, port 1" in done.output
    assert "trying again" not in done.output
    assert time.monotonic() - began < 30


def test_new_requirements_are_installed_before_the_switch_or_asked_for(
    ftp: tuple[Deployer, Pyftpdlib],
) -> None:
    deploy, _ = ftp
    deploy()
    before = deploy.current
    deploy.edit("requirements.txt")
    waiting = deploy()
    assert waiting.status == 1
    assert "Run Pip Install" in waiting.output
    assert deploy.current == before
    assert (deploy.root / "requirements.txt").read_bytes().endswith(b"# edited\n")
    assert deploy("--requirements-installed").status == 0
    assert deploy.current != before


def test_with_a_shell_requirements_are_installed(local: Deployer, tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/called\ncat "$6" >>{tmp_path}/called\n')
    python.chmod(0o755)
    local.settings["python"] = str(python)
    local()
    called = (tmp_path / "called").read_text()
    assert called.startswith("-m pip install --quiet --requirement ")
    assert "PyMySQL==" in called
    local.edit("party/rooms/stream.py")
    local()
    assert (tmp_path / "called").read_text() == called
    # Where that fails, nothing is switched.
    before = local.current
    python.write_text("#!/bin/sh\necho no such package\nexit 1\n")
    local.edit("requirements.txt")
    failed = local()
    assert failed.status == 1
    assert "no such package" in failed.output
    assert local.current == before


def test_a_release_that_does_not_come_up_is_told_within_the_deadline(
    local: Deployer, server: Callable[..., Server]
) -> None:
    stale = server(workers=1)
    local()
    (local.root / "config.py").write_text("")
    local.settings |= {"url": stale.url, "deadline_seconds": 1}
    local.edit("party/rooms/stream.py")
    late = local()
    assert late.status == 1
    assert f"has not reported {local.current} within 1 s" in late.output
    assert "--rollback" in late.output
    stale.stop()
    assert "does not answer" in local().output


def test_a_release_that_runs_beside_the_old_one_is_not_all_that_runs() -> None:
    # One process has started anew, and the requests go to it and to an old one by turns.
    answers = ["old", "new", "new", "old", *["new"] * 20]
    heard: list[str] = []
    assert health.wait_for("new", lambda: (answers[0], f"runs {answers.pop(0)}"), 30, heard.append)
    assert heard == ["runs old", "runs new", "runs old", "runs new"]
    assert len(answers) == 20 - health.IN_A_ROW


def test_there_is_nothing_to_roll_back_to_at_first(local: Deployer) -> None:
    assert "no previous release" in local("--rollback").output
    local()
    done = local("--rollback")
    assert done.status == 1
    assert "no previous release" in done.output


def test_after_a_rollback_the_release_before_is_gone_and_deploys_go_on(local: Deployer) -> None:
    local()
    for line in "12":
        local.edit("party/rooms/stream.py", f"# {line}\n")
        local()
    assert local("--rollback").status == 0
    back = local.current
    assert "no previous release" in local("--rollback").output
    program = local.copy / "party/rooms/stream.py"
    program.write_text(program.read_text().removesuffix("# 2\n"))
    again = local()
    assert again.status == 0, again.output
    assert local.current == back == local.running()


def test_a_service_without_a_settings_file_is_restarted_too(local: Deployer, tmp_path: Path) -> None:
    restarted = tmp_path / "restarted"
    local.settings["restart_command"] = f"touch '{restarted}'"
    assert "party.py setup" in local().output
    assert not restarted.exists()
    assert local().status == 0
    assert restarted.exists()


@pytest.mark.parametrize("shell", [True, False])
def test_it_stops_before_the_switch_until_the_migrations_are_applied(
    local: Deployer, tmp_path: Path, shell: bool
) -> None:
    if shell:
        python = tmp_path / "python"
        python.write_text(f'#!/bin/sh\n[ "$2" = pip ] || exec {sys.executable} "$@"\n')
        python.chmod(0o755)
        local.settings["python"] = str(python)
    local()
    url = f"sqlite:///{tmp_path}/database"
    (local.root / "config.py").write_text(f"DATABASE_URL = {url!r}\n")
    party = [sys.executable, str(local.root / "party.py")]
    subprocess.run([*party, "migrate"], check=True, capture_output=True)
    before = local.current
    (local.copy / "migrations/900_more.sql").write_text(
        "ALTER TABLE party_rooms ADD COLUMN more INTEGER NULL;"
    )
    stopped = local()
    assert stopped.status == 1
    assert "not switched" in stopped.output
    assert "900_more.sql" in stopped.output
    assert local.current == before
    release = re.search(r"party\.py --release (\S+) setup", stopped.output)
    assert release
    assert "--sql --from 900" in stopped.output
    if shell:
        local.environment = {"DEPLOY_ADMIN_DATABASE_URL": url}
        done = local()
    else:
        subprocess.run([*party, "--release", release[1], "migrate"], check=True, capture_output=True)
        done = local("--migrated")
    assert done.status == 0, done.output
    assert local.current == release[1]
    state = subprocess.run([*party, "migrate", "--dry-run"], check=True, capture_output=True, text=True)
    assert "up to date" in state.stdout


def test_a_plain_copy_of_the_source_is_not_deployed_over(local: Deployer) -> None:
    shutil.copytree(local.copy / "party", local.root / "party")
    done = local()
    assert done.status == 1
    assert "holds a copy of the source" in done.output


def test_on_a_terminal_a_bar_shows_the_progress(local: Deployer) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        local.command(), cwd=local.copy, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    shown = b""
    try:
        while chunk := os.read(ours, 65536):
            shown += chunk
    except OSError:
        pass  # the terminal's other end is closed
    os.close(ours)
    assert process.wait() == 0
    assert b"100%" in shown
    assert b"uploaded" not in shown


def test_cpanels_git_deployment_runs_it(copy: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    log = tmp_path / "pip"
    # This stands in for the environment that the panel has made: empty until packages are installed.
    install = f'[ "$2" = pip ] && {{ echo "$@" >>{log}; exit; }}'
    for version, lines in {
        "3.9": ["exit 1"],
        "3.11": [install, f"[ -e {log} ] || exit 1", f'exec {sys.executable} "$@"'],
    }.items():
        python = home / f"virtualenv/party/{version}/bin/python"
        python.parent.mkdir(parents=True)
        python.write_text("\n".join(["#!/bin/sh", *lines, ""]))
        python.chmod(0o755)
    listing = (copy / ".cpanel.yml").read_text().splitlines()
    tasks = [line.partition("- ")[2] for line in listing if line.lstrip().startswith("- ")]
    assert tasks
    done = subprocess.run(
        ["/bin/bash", "-ec", "\n".join(tasks)],
        cwd=copy,
        env={"HOME": str(home), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "pip install" in log.read_text()
    assert (home / "public_html/party/.htaccess").exists()
    assert Deployer(copy, home / "party", {}).running()


def test_settings_come_from_the_file_and_the_environment_wins(tmp_path: Path) -> None:
    file = tmp_path / "deploy.toml"
    file.write_text('method = "ftps"\nhost = "a.example"\nuser = "kim"\napp_root = "party/"\n')
    settings = load(file, {"DEPLOY_HOST": "b.example", "DEPLOY_PORT": "2121", "DEPLOY_PASSWORD": "p"})
    assert (settings.host, settings.port, settings.app_root) == ("b.example", 2121, "party")


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        ('method = "ftp"\napp_root = "party"', "setting method"),
        ('method = "ssh"\napp_root = "party"', "setting host"),
        ('method = "ftps"\nhost = "h"\napp_root = "party"', "setting user"),
        ('method = "local"\napp_root = "../party"', "setting app_root"),
        ('method = "local"\napp_root = "~/party"', "setting app_root"),
        ('method = "local"\napp_root = "party"\npython = "~/bin/python"', "setting python"),
        (
            'method = "ftps"\nhost = "h"\nuser = "kim"\napp_root = "party"\nrestart_command = "true"',
            "setting restart_command",
        ),
        ('method = "local"\napp_root = "party"\nhots = "h"', "setting hots"),
        ('method = "local"\napp_root = "party"\nurl = "example.org"', "setting url"),
        ('method = "ftps"\npassword = "secret"', "a password does not belong there"),
        (
            'method = "local"\napp_root = "party"\ncertificate_authority = "/nowhere.pem"',
            "setting certificate_authority",
        ),
        ("method = ", "deploy.toml"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_named(tmp_path: Path, text: str, heard: str) -> None:
    file = tmp_path / "deploy.toml"
    file.write_text(text)
    with pytest.raises(DeployError, match=re.escape(heard)) as caught:
        load(file, {})
    assert "secret" not in str(caught.value)


def test_a_command_before_the_first_release_is_told(local: Deployer) -> None:
    local()
    (local.root / "current").unlink()
    command = [sys.executable, "-m", "party", "migrate"]
    done = subprocess.run(command, cwd=local.root, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert re.fullmatch("party: no release is here yet.*\n", done.stderr)


def test_a_missing_deploy_toml_is_told(tmp_path: Path) -> None:
    with pytest.raises(DeployError, match=r"copy deploy/deploy\.example\.toml"):
        load(tmp_path / "deploy.toml", {})


def test_a_missing_package_is_named_with_what_to_do(local: Deployer) -> None:
    local()
    # Without site-packages Python has nothing but its own library.
    command = [sys.executable, "-S", "party.py", "migrate"]
    done = subprocess.run(command, cwd=local.root, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert re.fullmatch(r"party: \w+ is missing: \S+ -m pip install -r requirements.txt\n", done.stderr)
