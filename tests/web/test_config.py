"""Settings: their defaults, who overrides whom, and the one line that a wrong one stops the start with."""

import ast
import json
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from party.config import ROOT, ConfigError, Settings, load_settings

DEFAULTS: dict[str, Any] = {
    "DB_POOL_SIZE": 4,
    "ALLOWED_ORIGINS": [],
    "TRUSTED_PROXIES": 0,
    "ROOMS_PER_HOUR": 10,
    "GUESSES_PER_MINUTE": 60,
    "LOOKS_PER_MINUTE": 300,
    "TRUSTED_NETWORKS": {},
    "POLLS_PER_SECOND": 20,
    "SENDS_PER_SECOND": 50,
    "RELAY_KIB_PER_MINUTE": 256,
    "ENCODED_BODIES": True,
    "MAX_PARTICIPANTS": 50,
    "ROOM_TTL_HOURS": 2,
    "MAX_ROOM_TTL_HOURS": 48,
    "ROOM_KEPT_DAYS": 1,
    "HISTORY_DAYS": 30,
    "SIGNAL_TTL_SECONDS": 120,
    "MESSAGE_TTL_HOURS": 48,
    "IMAGES": False,
    "IMAGES_MB": 200,
    "ONLINE_SECONDS": 90,
    "HOST_GONE_AFTER_SECONDS": 120,
    "DISCONNECTED_AFTER_SECONDS": 300,
    "SEAT_FREED_AFTER_SECONDS": 600,
    "LONG_POLL_SECONDS": 0,
    "REDIS_URL": None,
    "TURN_URLS": [],
    "TURN_PROVIDER": "coturn",
    "TURN_SECRET": None,
    "TURN_USERNAME": None,
    "TURN_CREDENTIAL": None,
    "TURN_KEY_ID": None,
    "TURN_API_TOKEN": None,
    "ICE_POLICY": "all",
    "TURN_TTL_SECONDS": 3600,
    "CONNECTION_REPORTS": True,
    "METRICS_TOKEN": None,
    "ADMIN_TOKEN": None,
    "LEGACY_PHP_PATHS": False,
}
# These differ between the engines or have no single value; tests of their own say how.
OTHERS = {"DATABASE_URL", "IMAGES_FOLDER", "SECRET_KEY", "STUN_URLS", "DEMO", "PLAY"}
MYSQL = "mysql://app:hunter2@db.example:3306/party"


def refusal(root: Path, **environ: str) -> str:
    """The one line with which these settings stop the start."""
    with pytest.raises(ConfigError) as caught:
        load_settings(root, {f"PARTY_{name}": value for name, value in environ.items()})
    line = str(caught.value)
    assert len(line.splitlines()) == 1
    return line


def test_every_setting_has_the_default_of_the_contract(tmp_path: Path) -> None:
    found = load_settings(tmp_path, {})
    assert {name: getattr(found, name) for name in DEFAULTS} == DEFAULTS
    assert set(Settings.model_fields) == DEFAULTS.keys() | OTHERS
    assert found.model_dump()["DATABASE_URL"] == f"sqlite:///{tmp_path}/instance/party.sqlite3"
    assert found.model_dump()["IMAGES_FOLDER"] == f"{tmp_path}/instance/images"
    assert (found.DEMO, found.PLAY) == (True, True)
    assert len(found.STUN_URLS) == 1
    assert found.STUN_URLS[0].startswith("stun:")


def test_on_mysql_the_demo_page_is_off_and_the_secret_is_required(tmp_path: Path) -> None:
    assert refusal(tmp_path, DATABASE_URL=MYSQL).startswith("SECRET_KEY: required")
    found = load_settings(tmp_path, {"PARTY_DATABASE_URL": MYSQL, "PARTY_SECRET_KEY": "s"})
    assert (found.DEMO, found.PLAY) == (False, False)
    assert found.DATABASE_URL == MYSQL
    assert not (tmp_path / "instance").exists()


def test_the_environment_wins_over_dotenv_over_config_py_over_the_default(tmp_path: Path) -> None:
    layers: list[tuple[Callable[[int], object], str]] = [
        (lambda value: (tmp_path / "config.py").write_text(f"ROOMS_PER_HOUR = {value}\n"), "config.py"),
        (lambda value: (tmp_path / ".env").write_text(f"PARTY_ROOMS_PER_HOUR={value}\n"), ".env"),
    ]
    assert load_settings(tmp_path, {}).ROOMS_PER_HOUR == 10
    for value, (write, name) in enumerate(layers, 20):
        write(value)
        rooms_per_hour = load_settings(tmp_path, {}).ROOMS_PER_HOUR
        assert rooms_per_hour == value, name
    assert load_settings(tmp_path, {"PARTY_ROOMS_PER_HOUR": "30"}).ROOMS_PER_HOUR == 30


def test_each_setting_is_overridden_by_itself(tmp_path: Path) -> None:
    (tmp_path / "config.py").write_text("ROOMS_PER_HOUR = 1\nLOOKS_PER_MINUTE = 2\nDEMO = False\n")
    (tmp_path / ".env").write_text("PARTY_LOOKS_PER_MINUTE=3\nOTHER_PROGRAM=x\n")
    found = load_settings(tmp_path, {"PARTY_MAX_PARTICIPANTS": "4", "PATH": "/bin"})
    assert (found.ROOMS_PER_HOUR, found.LOOKS_PER_MINUTE, found.MAX_PARTICIPANTS) == (1, 3, 4)
    assert found.DEMO is False


def test_lists_are_written_with_commas_or_spaces_in_the_environment(tmp_path: Path) -> None:
    origins = "https://a.example, https://b.example:8443"
    found = load_settings(tmp_path, {"PARTY_ALLOWED_ORIGINS": origins, "PARTY_STUN_URLS": ""})
    assert found.ALLOWED_ORIGINS == ["https://a.example", "https://b.example:8443"]
    assert found.STUN_URLS == []


TRUSTED = {"192.0.2.0/24": {"ROOMS_PER_HOUR": 500}, "2001:db8::/48": {"LOOKS_PER_MINUTE": 3000}}


def test_trusted_networks_are_an_object_in_config_py_and_in_the_environment(tmp_path: Path) -> None:
    for text in (json.dumps(TRUSTED), repr(TRUSTED)):
        assert load_settings(tmp_path, {"PARTY_TRUSTED_NETWORKS": text}).TRUSTED_NETWORKS == TRUSTED
    assert load_settings(tmp_path, {"PARTY_TRUSTED_NETWORKS": ""}).TRUSTED_NETWORKS == {}
    (tmp_path / "config.py").write_text(f"TRUSTED_NETWORKS = {TRUSTED!r}\n")
    assert load_settings(tmp_path, {}).TRUSTED_NETWORKS == TRUSTED
    one = {"192.0.2.7": {"GUESSES_PER_MINUTE": 5}}
    (tmp_path / "config.py").write_text(f"TRUSTED_NETWORKS = {one!r}\n")
    assert load_settings(tmp_path, {}).TRUSTED_NETWORKS == {"192.0.2.7/32": {"GUESSES_PER_MINUTE": 5}}


@pytest.mark.parametrize(
    "value",
    [
        "192.0.2.0/24",
        [],
        {"school": {"ROOMS_PER_HOUR": 5}},
        {"192.0.2.0/99": {"ROOMS_PER_HOUR": 5}},
        {"192.0.2.0/24": 500},
        {"192.0.2.0/24": {"ROOMS_PER_HOUR": 0}},
        {"192.0.2.0/24": {"ROOMS_PER_HOUR": "many"}},
        {"192.0.2.0/24": {"JOINS_PER_MINUTE": 5}},
        {"192.0.2.0/24": {"ROOMS_PER_HOUR": 1.5}},
        {"192.0.2.0/24": {"ROOMS_PER_HOUR": True}},
        {"192.0.2.0/24": {"ROOMS_PER_HOUR": "500"}},
        {"192.0.2.0/24": {}},
        {"fe80::1%eth0": {"ROOMS_PER_HOUR": 5}},
        # One network in two spellings, of which only the last would count.
        {"192.0.2.0/24": {"ROOMS_PER_HOUR": 5}, " 192.0.2.0/24": {"LOOKS_PER_MINUTE": 5}},
        {"192.0.2.7": {"ROOMS_PER_HOUR": 5}, "192.0.2.7/32": {"LOOKS_PER_MINUTE": 5}},
        {"2001:db8::/32": {"ROOMS_PER_HOUR": 5}, "2001:DB8:0::/32": {"ROOMS_PER_HOUR": 6}},
    ],
    ids=str,
)
def test_trusted_networks_of_another_form_stop_the_start(tmp_path: Path, value: object) -> None:
    line = refusal(tmp_path, TRUSTED_NETWORKS=json.dumps(value))
    assert re.fullmatch(r"TRUSTED_NETWORKS \(environment\): .+: write PARTY_TRUSTED_NETWORKS=\{.+\}", line)
    (tmp_path / "config.py").write_text(f"TRUSTED_NETWORKS = {value!r}\n")
    if not isinstance(value, str):
        assert refusal(tmp_path).startswith("TRUSTED_NETWORKS (config.py): ")


@pytest.mark.parametrize(
    ("network", "meant"),
    [
        ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
        ("::ffff:c000:207", "192.0.2.7/32"),
        ("::ffff:192.0.2.5/120", "192.0.2.0/24"),
    ],
)
def test_a_network_of_ipv4_is_written_as_one(tmp_path: Path, network: str, meant: str) -> None:
    value = json.dumps({network: {"ROOMS_PER_HOUR": 5}})
    assert refusal(tmp_path, TRUSTED_NETWORKS=value).endswith(f"write {meant}")


def test_a_network_with_bits_beyond_its_length_is_told_where_it_begins(tmp_path: Path) -> None:
    value = json.dumps({"192.0.2.5/24": {"ROOMS_PER_HOUR": 5}})
    assert refusal(tmp_path, TRUSTED_NETWORKS=value).endswith("write 192.0.2.0/24")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DB_POOL_SIZE", "0"),
        ("DB_POOL_SIZE", "many"),
        ("ALLOWED_ORIGINS", "example.org"),
        ("ALLOWED_ORIGINS", "https://example.org/path"),
        ("ALLOWED_ORIGINS", "https://*.example.org"),
        ("TRUSTED_PROXIES", "-1"),
        ("TRUSTED_PROXIES", "true"),
        ("ROOMS_PER_HOUR", "0"),
        ("ROOMS_PER_HOUR", ""),
        ("LOOKS_PER_MINUTE", "1.5"),
        ("POLLS_PER_SECOND", "no"),
        ("SENDS_PER_SECOND", "-5"),
        ("MAX_PARTICIPANTS", "1"),
        ("ROOM_TTL_HOURS", "nan"),
        ("ROOM_TTL_HOURS", "0"),
        ("SIGNAL_TTL_SECONDS", "inf"),
        ("ONLINE_SECONDS", "a minute"),
        ("LONG_POLL_SECONDS", "-1"),
        ("TURN_TTL_SECONDS", "1 h"),
        ("DEMO", "maybe"),
        ("LEGACY_PHP_PATHS", "2"),
        ("SECRET_KEY", ""),
    ],
)
def test_a_wrong_value_in_the_environment_stops_the_start(tmp_path: Path, name: str, value: str) -> None:
    assert refusal(tmp_path, **{name: value}).startswith(f"{name} (environment): ")


@pytest.mark.parametrize(
    "line",
    [
        "DB_POOL_SIZE = '4'",
        "ROOMS_PER_HOUR = 10.5",
        "ROOMS_PER_HOUR = True",
        "ROOM_TTL_HOURS = '2'",
        "DEMO = 1",
        "DEMO = 'yes'",
        "STUN_URLS = 5",
        "STUN_URLS = [5]",
        "SECRET_KEY = ''",
        "SECRET_KEY = None",
        "SECRET_KEY = b'bytes'",
        "METRICS_TOKEN = 5",
        "DATABASE_URL = None",
    ],
)
def test_a_wrong_type_in_config_py_stops_the_start(tmp_path: Path, line: str) -> None:
    (tmp_path / "config.py").write_text(line + "\n")
    assert refusal(tmp_path).startswith(f"{line.split()[0]} (config.py): ")


def test_a_name_that_does_not_exist_stops_the_start_wherever_it_stands(tmp_path: Path) -> None:
    line = refusal(tmp_path, ROOM_PER_HOUR="3")
    assert line == "ROOM_PER_HOUR (environment): there is no such setting; perhaps ROOMS_PER_HOUR is meant"
    (tmp_path / ".env").write_text("PARTY_ROOMS=3\n")
    assert refusal(tmp_path) == "ROOMS (.env): there is no such setting"
    (tmp_path / "config.py").write_text("import os\nlocal = 1\nMAX_ROOMS = 3\n")
    assert refusal(tmp_path) == "MAX_ROOMS (config.py): there is no such setting"


def test_a_config_py_that_cannot_be_run_stops_the_start_with_one_line(tmp_path: Path) -> None:
    for text in ("ROOMS_PER_HOUR = \n", "raise ValueError('a\\nb')\n", "SECRET_KEY = open('gone').read()\n"):
        (tmp_path / "config.py").write_text(text)
        assert refusal(tmp_path).startswith("config.py, line 1: ")
    (tmp_path / "config.py").write_bytes(b"SECRET_KEY = 'caf\xe9'\n")
    assert refusal(tmp_path).startswith("config.py")


def test_a_dotenv_file_that_is_no_text_stops_the_start_with_one_line(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"PARTY_SECRET_KEY=caf\xe9\n")
    assert refusal(tmp_path).startswith(".env: ")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://app:hunter2@db/party",
        "app:hunter2@db/party",
        "mysql://app:hunter2@db",
        "mysql://db/party",
        "mysql://app:hunter2@db:port/party",
        "mysql://app:hunter2[@db/party",
        "mysql://app:hunter2@db/party?socket=/run/x",
        "sqlite:party.sqlite3",
        "sqlite:///",
    ],
)
def test_a_database_url_that_cannot_be_used_is_named_and_not_shown(tmp_path: Path, url: str) -> None:
    line = refusal(tmp_path, DATABASE_URL=url, SECRET_KEY="s")
    assert line.startswith("DATABASE_URL (environment): ")
    assert "hunter2" not in line


def test_secrets_are_neither_in_a_refusal_nor_in_printed_settings(tmp_path: Path) -> None:
    secrets = {
        "DATABASE_URL": MYSQL,
        "SECRET_KEY": "hunter2-key",
        "TURN_SECRET": "hunter2-turn",
        "METRICS_TOKEN": "hunter2-metrics",
    }
    found = load_settings(tmp_path, {f"PARTY_{name}": value for name, value in secrets.items()})
    assert "hunter2" not in repr(found) + str(found)
    for name in secrets:
        (tmp_path / "config.py").write_text(f"{name} = ['hunter2']\n")
        line = refusal(tmp_path)
        assert line.startswith(f"{name} (config.py): ")
        assert "hunter2" not in line


def test_turn_urls_without_their_secret_stop_the_start(tmp_path: Path) -> None:
    assert refusal(tmp_path, TURN_URLS="turn:t.example").startswith("TURN_SECRET: required")


# The secret of an embedded installation


def test_the_secret_of_an_embedded_installation_is_made_once_and_only_its_owner_can_read_it(
    tmp_path: Path,
) -> None:
    first = load_settings(tmp_path, {}).SECRET_KEY
    second = load_settings(tmp_path, {}).SECRET_KEY
    assert second == first
    assert len(first) >= 43  # 256 bits
    kept = tmp_path / "instance" / "secret_key"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert [path.name for path in kept.parent.iterdir()] == ["secret_key"]
    assert load_settings(tmp_path, {"PARTY_SECRET_KEY": "mine"}).SECRET_KEY == "mine"


@pytest.mark.parametrize("content", [b"", b" \n", b"caf\xe9", None])
def test_a_kept_secret_that_is_empty_or_unreadable_stops_the_start(
    tmp_path: Path, content: bytes | None
) -> None:
    kept = tmp_path / "instance" / "secret_key"
    kept.parent.mkdir()
    if content is None:
        kept.mkdir()
    else:
        kept.write_bytes(content)
    line = refusal(tmp_path)
    assert line.startswith("SECRET_KEY: ")
    assert "caf" not in line


def test_a_secret_that_cannot_be_kept_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "instance").write_text("a file is in the way")
    assert refusal(tmp_path).startswith("SECRET_KEY: ")


READ_SECRET = """
import sys
from pathlib import Path
from party.config import load_settings
print("ready", flush=True)
sys.stdin.readline()
print(load_settings(Path(sys.argv[1]), {}).SECRET_KEY)
"""


def test_processes_that_start_at_once_agree_on_the_secret(tmp_path: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", READ_SECRET, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=clean_environment(),
        )
        for _ in range(5)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    found = [process.communicate(timeout=30)[0].strip() for process in processes]
    assert [process.returncode for process in processes] == [0] * 5
    assert len(set(found)) == 1
    assert found[0] == (tmp_path / "instance" / "secret_key").read_text()


# The example file


def test_config_example_names_all_settings_with_their_true_defaults(tmp_path: Path) -> None:
    text = (ROOT / "config.example.py").read_text()
    shown = {
        name: ast.literal_eval(value)
        for name, value in re.findall(r"^# ([A-Z_]+) = (.+)$", text, re.MULTILINE)
    }
    assert shown.keys() == Settings.model_fields.keys()
    defaults = load_settings(tmp_path, {}).model_dump()
    for name in ("DATABASE_URL", "IMAGES_FOLDER"):
        defaults[name] = Settings.model_fields[name].default
    # Nothing is configured for these, so the file shows what a value looks like.
    examples = {"SECRET_KEY", "TRUSTED_NETWORKS", "TURN_URLS", "TURN_SECRET", "METRICS_TOKEN", "ADMIN_TOKEN"}
    examples |= {"REDIS_URL"}
    for name in shown.keys() - examples:
        assert shown[name] == defaults[name], name


def test_config_example_changes_nothing_itself_and_is_valid_with_every_line_active(
    tmp_path: Path,
) -> None:
    text = (ROOT / "config.example.py").read_text()
    before = load_settings(tmp_path, {})
    (tmp_path / "config.py").write_text(text)
    assert load_settings(tmp_path, {}) == before
    (tmp_path / "config.py").write_text(re.sub(r"^# ([A-Z_]+ = )", r"\1", text, flags=re.MULTILINE))
    assert load_settings(tmp_path, {}).TURN_URLS == ["turn:turn.example.org:3478"]


# The real start


def clean_environment(**extra: str) -> dict[str, str]:
    """The environment without settings of whoever runs the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PARTY_")}
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1", **extra}


@pytest.fixture
def installation(tmp_path: Path) -> Path:
    """A copy of what is installed on a server, with no config.py yet."""
    for name in ("party", "migrations", "deploy"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("app.py", "passenger_wsgi.py", "launcher.py"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def test_the_app_stops_with_the_one_line_on_its_error_stream(installation: Path) -> None:
    (installation / "config.py").write_text("SECRET_KEY = ['hunter2']\n")
    for start in ("app.py", "passenger_wsgi.py"):
        done = subprocess.run(
            [sys.executable, start],
            cwd=installation,
            env=clean_environment(),
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert done.returncode != 0
        assert done.stdout == ""
        assert re.fullmatch(r"party: SECRET_KEY \(config\.py\): [^\n]+\n", done.stderr)
        assert "hunter2" not in done.stderr


def test_gunicorn_stops_with_the_one_line_instead_of_trying_for_ever(installation: Path) -> None:
    (installation / "config.py").write_text("ROOM_TTL = 3\n")
    gunicorn = [sys.executable, "-m", "gunicorn", "-c", "deploy/gunicorn.conf.py"]
    done = subprocess.run(
        [*gunicorn, "--bind", "127.0.0.1:0", "app:application"],
        cwd=installation,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode != 0
    assert "party: ROOM_TTL (config.py): there is no such setting\n" in done.stderr
    # gunicorn may show where it halted itself, but there is no trace of ours.
    assert "ConfigError" not in done.stderr
