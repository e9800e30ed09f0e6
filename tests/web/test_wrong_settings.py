"""Settings that cannot do what they say stop the start: one line tells what to write, and no secret."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from party.config import ROOT, ConfigError, Settings, load_settings
from party.config.database_url import Host
from party.db.mysql import MySQL
from tests.web.test_config import clean_environment, refusal

MYSQL = "mysql://app:hunter2@db.example/party"


def loaded(root: Path, **environ: str) -> Settings:
    """The settings that these variables give."""
    return load_settings(root, {f"PARTY_{name}": value for name, value in environ.items()})


# STUN and TURN


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("stun.example.org", "stun:stun.example.org"),
        ("stun.example.org:3478", "stun:stun.example.org:3478"),
        ("stun://stun.example.org", "stun:stun.example.org"),
        ("http://stun.example.org", "stun:"),
        ("stun:", "stun:"),
        ("stun:stun.example.org:0", "1 to 65535"),
        ("stun:stun.example.org:65536", "1 to 65535"),
        ("stun:stun.example.org:", "1 to 65535"),
        ("stun:stun.example.org:port", "1 to 65535"),
        ("stun:stun.example.org:\u0663\u0664\u0667\u0668", "1 to 65535"),
        ("stun:stun.example.org?transport=udp", "without"),
        ("stun:stun.example.org/path", "stun:"),
        ("stun:2001:db8::1", "["),
        ("stun:[2001:db8::zz]", "host"),
        ("stun:[fe80::1%eth0]:3478", "host"),
        ("stun:1.2.3.999", "host"),
        ("stun:stun..example.org", "host"),
        ("stun:münchen.example", "xn--mnchen-3ya.example"),
        ("turn:turn.example.org", "TURN_URLS"),
        ("turns:turn.example.org", "TURN_URLS"),
    ],
)
def test_a_stun_server_that_browsers_refuse_stops_the_start(tmp_path: Path, url: str, hint: str) -> None:
    line = refusal(tmp_path, STUN_URLS=f"stun:good.example {url}")
    assert line.startswith("STUN_URLS (environment): ")
    assert hint in line
    (tmp_path / "config.py").write_text(f"STUN_URLS = [{url!r}]\n")
    assert refusal(tmp_path).startswith("STUN_URLS (config.py): ")


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("turn.example.org", "turn:turn.example.org"),
        ("turn:turn.example.org?transport=quic", "?transport=udp"),
        ("turn:turn.example.org?transport=udp&x=1", "?transport=udp"),
        ("turn:turn.example.org:99999?transport=tcp", "1 to 65535"),
        ("turn:user:hunter2@turn.example.org", "TURN_SECRET"),
        ("stun:stun.example.org", "STUN_URLS"),
    ],
)
def test_a_turn_server_that_browsers_refuse_stops_the_start(tmp_path: Path, url: str, hint: str) -> None:
    line = refusal(tmp_path, TURN_URLS=url, TURN_SECRET="hunter2")
    assert line.startswith("TURN_URLS (environment): ")
    assert hint in line
    assert "hunter2" not in line


def test_what_browsers_take_is_taken(tmp_path: Path) -> None:
    stun = ["stun:a.example", "stuns:b-1.example:5349", "stun:[2001:db8::1]:3478", "stun:192.0.2.7", "STUN:c"]
    turn = ["turn:a.example:3478?transport=udp", "turns:a.example:443?transport=tcp", "turn:[::1]"]
    found = loaded(tmp_path, STUN_URLS=" ".join(stun), TURN_URLS=",".join(turn), TURN_SECRET="s")
    assert [*stun[:-1], "stun:c"] == found.STUN_URLS
    assert turn == found.TURN_URLS


# Origins


@pytest.mark.parametrize(
    ("origin", "hint"),
    [
        ("https://a.example:443", "write https://a.example"),
        ("http://a.example:80", "write http://a.example"),
        ("https://a.example:0443", "write https://a.example"),
        ("http://a.example:08080", "write http://a.example:8080"),
        ("https://a.example/", "write https://a.example"),
        ("https://a.example:8443/party/", "write https://a.example:8443"),
        ("https://a.example?x", "write https://a.example"),
        ("https://a.example#x", "write https://a.example"),
        ("https://user:hunter2@a.example", "write https://a.example"),
        ("https://*.a.example", "each"),
        ("https://*", "write *"),
        ("*.a.example", "each"),
        ("a.example", "write https://a.example"),
        ("a.example:8443", "write https://a.example:8443"),
        ("//a.example", "write https://a.example"),
        ("null", "https://"),
        ("wss://a.example", "write https://a.example"),
        ("file://", "https://"),
        ("https://", "https://"),
        ("https://a.example:0", "1 to 65535"),
        ("https://a.example:65536", "1 to 65535"),
        ("https://a.example:", "write https://a.example"),
        ("https://a..example", "host"),
        ("https://192.0.2.300", "host"),
        ("http://[::1", "host"),
        ("http://[fe80::1%25eth0]:8000", "host"),
        ("http://[fe80::1%eth0]:8000", "host"),
        ("http://[0:0:0:0:0:0:0:1]:8000", "write http://[::1]:8000"),
        ("https://münchen.example", "write https://xn--mnchen-3ya.example"),
        ("'https://a.example'", "write https://a.example"),
    ],
)
def test_an_origin_that_no_browser_sends_stops_the_start(tmp_path: Path, origin: str, hint: str) -> None:
    line = refusal(tmp_path, ALLOWED_ORIGINS=f"https://good.example, {origin}")
    assert line.startswith("ALLOWED_ORIGINS (environment): ")
    assert hint in line.removeprefix("ALLOWED_ORIGINS")
    assert "hunter2" not in line
    (tmp_path / "config.py").write_text(f"ALLOWED_ORIGINS = [{origin!r}]\n")
    assert refusal(tmp_path).startswith("ALLOWED_ORIGINS (config.py): ")


def test_origins_that_browsers_send_are_taken(tmp_path: Path) -> None:
    origins = [
        "https://a.example", "http://localhost:5173", "http://[::1]:8000", "https://a.example:80",
        "capacitor://localhost", "chrome-extension://abcdefghijklmnop", "http://192.0.2.7", "*",
    ]  # fmt: skip
    assert origins == loaded(tmp_path, ALLOWED_ORIGINS=" ".join(origins)).ALLOWED_ORIGINS
    assert loaded(tmp_path, ALLOWED_ORIGINS="HTTPS://A.example").ALLOWED_ORIGINS == ["https://a.example"]


# Lists


@pytest.mark.parametrize("place", ["environment", ".env", "config.py"])
@pytest.mark.parametrize(
    "text",
    [
        '["https://a.example", "https://b.example"]',
        ' [ "https://a.example","https://b.example" ] ',
        "https://a.example,https://b.example",
        "https://a.example, https://b.example,",
        "https://a.example https://b.example",
    ],
)
def test_a_list_may_be_json_or_have_commas_everywhere(tmp_path: Path, place: str, text: str) -> None:
    environ = {}
    if place == "environment":
        environ = {"PARTY_ALLOWED_ORIGINS": text}
    elif place == ".env":
        (tmp_path / ".env").write_text(f"PARTY_ALLOWED_ORIGINS='{text}'\n")
    else:
        (tmp_path / "config.py").write_text(f"ALLOWED_ORIGINS = {text!r}\n")
    assert load_settings(tmp_path, environ).ALLOWED_ORIGINS == ["https://a.example", "https://b.example"]


def test_a_list_in_config_py_may_be_a_tuple(tmp_path: Path) -> None:
    (tmp_path / "config.py").write_text("STUN_URLS = 'stun:a', 'stun:b'\nALLOWED_ORIGINS = ()\n")
    found = load_settings(tmp_path, {})
    assert (found.STUN_URLS, found.ALLOWED_ORIGINS) == (["stun:a", "stun:b"], [])


@pytest.mark.parametrize(
    "text", ["['stun:a']", '["stun:a"', '["stun:a", 5]', '[["stun:a"]]', "[stun:a]", "{}"]
)
def test_a_list_that_is_no_json_stops_the_start(tmp_path: Path, text: str) -> None:
    line = refusal(tmp_path, STUN_URLS=text)
    assert line.startswith("STUN_URLS (environment): ")
    assert "PARTY_STUN_URLS=" in line
    assert json.loads(refusal(tmp_path, STUN_URLS="[").partition("PARTY_STUN_URLS=")[2].partition(" or ")[0])


# The database's address


@pytest.mark.parametrize("place", ["environment", ".env", "config.py"])
@pytest.mark.parametrize("url", ["", "  ", "mysq://app:hunter2@db/party", "mysql:/app:hunter2@db/party"])
def test_a_database_url_that_is_empty_or_mistyped_does_not_start_on_sqlite(
    tmp_path: Path, place: str, url: str
) -> None:
    environ = {}
    if place == "environment":
        environ = {"PARTY_DATABASE_URL": url}
    elif place == ".env":
        (tmp_path / ".env").write_text(f"PARTY_DATABASE_URL='{url}'\n")
    else:
        (tmp_path / "config.py").write_text(f"DATABASE_URL = {url!r}\n")
    with pytest.raises(ConfigError, match="mysql://user:password@host/database") as caught:
        load_settings(tmp_path, environ)
    assert str(caught.value).startswith(f"DATABASE_URL ({place}): ")
    assert "hunter2" not in str(caught.value)
    assert not (tmp_path / "instance").exists()


@pytest.mark.parametrize("between", ["/", "@", "#", "?", "[", " ", "@x/", "/x@", "@x#", "@x:1234/"])
@pytest.mark.parametrize(
    "tail", ["@db.example/party", "@db.example:3306/party", "@/party?unix_socket=/run/m.sock"]
)
def test_a_password_that_is_not_encoded_is_neither_read_as_a_host_nor_shown(
    tmp_path: Path, between: str, tail: str
) -> None:
    line = refusal(tmp_path, DATABASE_URL=f"mysql://app:s3c{between}w0rd{tail}", SECRET_KEY="s")
    assert line.startswith("DATABASE_URL (environment): ")
    assert "@ as %40" in line
    assert not any(part in line for part in ("s3c", "w0rd", "x@", "@x"))


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("mysql://app:hunter2@db:0/party", "1 to 65535"),
        ("mysql://app:hunter2@db:65536/party", "1 to 65535"),
        ("mysql://app:hunter2@db:/party", "1 to 65535"),
        ("mysql://app:hunter2@db", "database"),
        ("mysql://app:hunter2@db/", "database"),
        ("mysql://app:hunter2@db/party/more", "database"),
        ("mysql://db/party", "user"),
        ("mysql://:hunter2@db/party", "user"),
        ("mysql://app:hunter2@db/party?charset=utf8", "unix_socket"),
        ("mysql://app:hunter2@db/party?unix_socket=", "/path/to/mysql.sock"),
        ("mysql://app:hunter2@db/party?unix_socket=mysql.sock", "/path/to/mysql.sock"),
        ("mysql://app:hunter2@db..example/party", "host"),
        ("mysql://app:hunter2@db1,,db2/party", "host1,host2"),
        ("mysql://app:hunter2@db1,db2,/party", "host1,host2"),
        ("mysql://app:hunter2@db1,db2;db3/party", "neither a name"),
        ("mysql://app:hunter2@db1:0,db2/party", "1 to 65535"),
        ("mysql://app:hunter2@db1,db2,db1/party", "twice"),
        ("mysql://app:hunter2@db1,db2/party?unix_socket=/tmp/s", "one host"),
        ("mysql://app:hunter2@db/party?ssl_verify=yes", "identity, ca or none"),
        ("mysql://app:hunter2@db/party?ssl_verify=ca&ssl_verify=ca", "once"),
        ("mysql://app:hunter2@db/party?ssl_ca=ca.pem", "/path/to/ca.pem"),
        ("mysql://app:hunter2@db/party?ssl_ca=/nowhere/ca.pem", "cannot be read"),
        ("mysql://app:hunter2@db/party?ssl_ca=/dev/null", "no certificate"),
        ("sqlite://instance/party.sqlite3", "sqlite:///"),
        ("sqlite:///", "sqlite:///"),
        ("sqlite:///:memory:", "a file"),
        ("sqlite:///party.sqlite3?mode=ro", "a file"),
        ("sqlite:///.", "a file"),
        ("sqlite:///instance/", "a file"),
    ],
)
def test_a_database_url_that_cannot_work_says_what_to_write(tmp_path: Path, url: str, hint: str) -> None:
    line = refusal(tmp_path, DATABASE_URL=url, SECRET_KEY="s")
    assert line.startswith("DATABASE_URL (environment): ")
    assert hint in line
    assert "hunter2" not in line


def test_an_encoded_password_is_read(tmp_path: Path) -> None:
    url = "mysql://acct%5fapp:s3c%40%2f%23:%25x@db.example:3307/acct_party"
    assert url == loaded(tmp_path, DATABASE_URL=url, SECRET_KEY="s").DATABASE_URL
    target = MySQL(url).target
    assert (target.user, target.password, target.database) == ("acct_app", "s3c@/#:%x", "acct_party")
    assert (target.hosts, target.socket) == ((Host("db.example", 3307),), None)


def test_several_hosts_stand_in_the_order_of_preference(tmp_path: Path) -> None:
    url = "mysql://app:p@db1:3307,[::1]:3308,10.0.0.3/party?ssl_verify=none"
    assert url == loaded(tmp_path, DATABASE_URL=url, SECRET_KEY="s").DATABASE_URL
    target = MySQL(url).target
    assert target.hosts == (Host("db1", 3307), Host("::1", 3308), Host("10.0.0.3"))
    assert (target.ssl_ca, target.ssl_verify) == (None, "none")


# Names


@pytest.mark.parametrize(
    ("place", "text", "hint"),
    [
        ("environment", "party_database_url", "PARTY_DATABASE_URL"),
        ("environment", "PARTY_DATABASE_URI", "DATABASE_URL"),
        ("environment", "PARTY_DATBASE_URL", "DATABASE_URL"),
        (".env", "DATABASE_URL", "PARTY_DATABASE_URL"),
        (".env", "Party_Database_Url", "PARTY_DATABASE_URL"),
        ("config.py", "database_url", "DATABASE_URL"),
        ("config.py", "PARTY_DATABASE_URL", "perhaps DATABASE_URL"),
        ("config.py", "DATABASE_URLS", "DATABASE_URL"),
    ],
)
def test_a_setting_whose_name_is_mistyped_stops_the_start(
    tmp_path: Path, place: str, text: str, hint: str
) -> None:
    environ = {}
    if place == "environment":
        environ = {text: MYSQL}
    else:
        value = repr(MYSQL) if place == "config.py" else MYSQL
        (tmp_path / place).write_text(f"{text} = {value}\n" if place == "config.py" else f"{text}={value}\n")
    with pytest.raises(ConfigError) as caught:
        load_settings(tmp_path, environ)
    line = str(caught.value)
    assert line.startswith(f"{text.removeprefix('PARTY_') if place == 'environment' else text} ({place}): ")
    assert hint in line.partition(": ")[2]
    assert "hunter2" not in line


# Numbers, tokens, files


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ROOM_TTL_HOURS", "1e300"),
        ("ROOM_TTL_HOURS", "1e-9"),
        ("SIGNAL_TTL_SECONDS", "1e18"),
        ("SIGNAL_TTL_SECONDS", "0.0001"),
        ("ONLINE_SECONDS", "1e18"),
        ("ONLINE_SECONDS", "0.001"),
        ("LONG_POLL_SECONDS", "86400"),
        ("TURN_TTL_SECONDS", "99999999999999"),
        ("MAX_PARTICIPANTS", "99999999999999"),
        ("DB_POOL_SIZE", "99999999999999"),
        ("ROOMS_PER_HOUR", "99999999999999"),
        ("TRUSTED_PROXIES", "99999999999999"),
        ("METRICS_TOKEN", "schlüssel"),
        ("METRICS_TOKEN", "  spaces  "),
        ("METRICS_TOKEN", "tab\tin it"),
        ("TURN_SECRET", "   "),
        ("TURN_SECRET", " \t"),
        ("SECRET_KEY", "  "),
    ],
)
def test_a_value_beyond_what_can_work_stops_the_start(tmp_path: Path, name: str, value: str) -> None:
    line = refusal(tmp_path, **{name: value})
    assert line.startswith(f"{name} (environment): ")
    assert "schl" not in line


@pytest.mark.parametrize(
    ("name", "value"),
    [("DEMO", "maybe"), ("ROOMS_PER_HOUR", "many"), ("ROOM_TTL_HOURS", "two"), ("DB_POOL_SIZE", "")],
)
def test_a_refusal_shows_how_the_setting_is_written(tmp_path: Path, name: str, value: str) -> None:
    assert f"write PARTY_{name}=" in refusal(tmp_path, **{name: value})
    (tmp_path / "config.py").write_text(f"{name} = {value!r}\n")
    assert f"write {name} = " in refusal(tmp_path)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("DEMO = True\nSECRET_KEY = hunter2\n", "config.py, line 2: NameError"),
        ("DEMO = True\n\nSECRET_KEY = 'hunter2\n", "config.py, line 3: SyntaxError"),
        ("SECRET_KEY = int('hunter2')\n", "config.py, line 1: ValueError"),
        ("raise SystemExit('hunter2')\n", "config.py, line 1: SystemExit"),
    ],
)
def test_a_config_py_that_breaks_is_told_by_its_line_and_not_by_its_text(
    tmp_path: Path, text: str, line: str
) -> None:
    (tmp_path / "config.py").write_text(text)
    found = refusal(tmp_path)
    assert found.startswith(line)
    assert "hunter2" not in found


@pytest.mark.parametrize("name", ["config.py", ".env"])
@pytest.mark.parametrize("kind", ["folder", "dangling link"])
def test_a_settings_file_that_cannot_be_read_does_not_count_as_absent(
    tmp_path: Path, name: str, kind: str
) -> None:
    if kind == "folder":
        (tmp_path / name).mkdir()
    else:
        (tmp_path / name).symlink_to("gone")
    assert refusal(tmp_path).startswith(f"{name}: cannot be read: ")


@pytest.mark.parametrize(
    "environ",
    [
        {"PARTY_DATABASE_URL": ""},
        {"PARTY_DATABASE_URL": "mysq://app:hunter2@db/party"},
        {"PARTY_DATABASE_URL": "mysql://app:hun@ter2/x@db/party", "PARTY_SECRET_KEY": "s"},
        {"PARTY_STUN_URLS": "stun.example.org"},
        {"PARTY_ALLOWED_ORIGINS": "https://a.example:443"},
    ],
)
def test_the_commands_and_the_app_stop_with_that_line(environ: dict[str, str]) -> None:
    for command in (["-m", "party", "cleanup"], ["-m", "party", "migrate", "--dry-run"], ["app.py"]):
        done = subprocess.run(
            [sys.executable, *command],
            cwd=ROOT,
            env=clean_environment(**environ),
            capture_output=True,
            text=True,
        )
        assert done.returncode != 0
        (line,) = done.stderr.splitlines()
        assert line.startswith("party: ")
        assert not any(part in line for part in ("hunter2", "hun@", "ter2"))


# Times that must follow each other


@pytest.mark.parametrize(
    ("given", "culprit"),
    [
        ({"ONLINE_SECONDS": 300}, "DISCONNECTED_AFTER_SECONDS"),
        ({"DISCONNECTED_AFTER_SECONDS": 90}, "DISCONNECTED_AFTER_SECONDS"),
        ({"DISCONNECTED_AFTER_SECONDS": 600}, "SEAT_FREED_AFTER_SECONDS"),
        ({"SEAT_FREED_AFTER_SECONDS": 299.5}, "SEAT_FREED_AFTER_SECONDS"),
        ({"HOST_GONE_AFTER_SECONDS": 89.5}, "HOST_GONE_AFTER_SECONDS"),
        ({"ONLINE_SECONDS": 121}, "HOST_GONE_AFTER_SECONDS"),
    ],
)
def test_times_of_absence_that_do_not_increase_stop_the_start(
    tmp_path: Path, given: dict[str, float], culprit: str
) -> None:
    line = refusal(tmp_path, **{name: str(value) for name, value in given.items()})
    assert line.startswith(f"{culprit}: ")


def test_a_host_may_be_gone_as_soon_as_it_is_away_or_later_than_all_else(tmp_path: Path) -> None:
    for seconds in ("90", "1000"):
        found = loaded(tmp_path, HOST_GONE_AFTER_SECONDS=seconds)
        assert float(seconds) == found.HOST_GONE_AFTER_SECONDS
