"""What the doctor says of STUN and TURN servers; of a firewall: test_networks.py."""

import socket
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path
from threading import Thread

import pytest

from party.ice import cloudflare
from party.ops import doctor
from party.ops.doctor import ice
from party.ops.doctor.finding import Result
from party.ops.doctor.installation import Installation
from tests.support.coturn import SECRET, Coturn

Ask = Callable[..., Result]


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """The check of that name, with these settings."""

    def ask(check: str, **settings: object) -> Result:
        lines = [f"{name} = {value!r}\n" for name, value in settings.items()]
        (tmp_path / "config.py").write_text("".join(lines))
        return doctor.INSIDE[check](Installation(tmp_path, tmp_path))

    return ask


@pytest.fixture(scope="module")
def coturn() -> Iterator[Coturn]:
    """One for all of these tests."""
    with Coturn() as running:
        yield running


@pytest.fixture
def turn_urls(coturn: Coturn, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Its addresses; its certificate is trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(coturn.certificate.authority))
    place = f"turn:{coturn.host}:{coturn.port}"
    return [place, f"{place}?transport=tcp", f"turns:{coturn.host}:{coturn.tls_port}"]


@pytest.fixture
def stranger() -> Iterator[int]:
    """The port of somebody who answers every connection with HTTP."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            while True:
                try:
                    connection = listening.accept()[0]
                except OSError:
                    return
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
                connection.close()

        Thread(target=answer, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


def test_a_stun_server_says_as_whom_it_sees_us(ask: Ask, coturn: Coturn, turn_urls: list[str]) -> None:
    udp, tls = f"stun:127.0.0.1:{coturn.port}", f"stuns:127.0.0.1:{coturn.tls_port}"
    found = ask("STUN", STUN_URLS=[udp, tls])
    assert found == ("ok", f"{udp} sees this machine as 127.0.0.1; {tls} sees this machine as 127.0.0.1", "")


def test_a_turn_server_relays_over_udp_tcp_and_tls(ask: Ask, turn_urls: list[str]) -> None:
    found = ask("TURN", TURN_URLS=turn_urls, TURN_SECRET=SECRET)
    assert found == ("ok", "; ".join(f"{url} relays from 127.0.0.1" for url in turn_urls), "")


def test_where_there_is_none_nothing_is_wrong(ask: Ask) -> None:
    assert [ask(check, STUN_URLS=[]).status for check in ("STUN", "TURN")] == ["ok", "ok"]


def test_a_wrong_secret_is_told_and_not_shown(ask: Ask, turn_urls: list[str]) -> None:
    found = ask("TURN", TURN_URLS=turn_urls, TURN_SECRET="hunter2 and more")
    assert found.status == "failed"
    assert found.found == "; ".join(f"{url} refuses our credentials (401 Unauthorized)" for url in turn_urls)
    assert "static-auth-secret" in found.advice
    assert "hunter2" not in str(found)


def test_wrong_credentials_of_a_rented_server_are_told(ask: Ask, turn_urls: list[str]) -> None:
    found = ask(
        "TURN", TURN_PROVIDER="static", TURN_URLS=turn_urls[:1], TURN_USERNAME="u", TURN_CREDENTIAL="c"
    )
    assert (found.status, found.advice) == ("failed", "Look at TURN_USERNAME and TURN_CREDENTIAL.")


def test_a_port_where_nobody_listens_is_told(ask: Ask, coturn: Coturn, turn_urls: list[str]) -> None:
    closed = [url.replace(str(coturn.port), "9").replace(str(coturn.tls_port), "9") for url in turn_urls]
    found = ask("TURN", TURN_URLS=[*closed, turn_urls[0]], TURN_SECRET=SECRET)
    assert found.status == "failed"
    assert found.found.count("has nobody who listens there") == 3
    assert f"{turn_urls[0]} relays from" in found.found
    assert ask("STUN", STUN_URLS=["stun:127.0.0.1:9"]).status == "failed"


def test_a_certificate_that_browsers_would_refuse_is_told(
    ask: Ask, turn_urls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    found = ask("TURN", TURN_URLS=turn_urls[2:], TURN_SECRET=SECRET)
    assert found.status == "failed"
    assert "has a wrong certificate" in found.found


@pytest.mark.parametrize("url", ["turn:127.0.0.1:{}?transport=tcp", "turns:127.0.0.1:{}"])
def test_something_else_that_listens_there_is_told(ask: Ask, stranger: int, url: str) -> None:
    found = ask("TURN", TURN_URLS=[url.format(stranger)], TURN_SECRET=SECRET)
    assert found.status == "failed"
    assert "does not answer as it should" in found.found


def test_what_browsers_do_not_speak_is_told(ask: Ask) -> None:
    found = ask("TURN", TURN_URLS=["turns:127.0.0.1:9?transport=udp"], TURN_SECRET=SECRET)
    assert found == (
        "warning",
        "turns:127.0.0.1:9?transport=udp over DTLS, which browsers do not speak",
        "Write ?transport=tcp behind it, for TLS.",
    )


def test_a_name_that_is_not_known_is_told(ask: Ask) -> None:
    assert ask("STUN", STUN_URLS=["stun:nobody.invalid"]).status == "warning"


def test_an_address_that_nobody_outside_reaches_is_told() -> None:
    behind_router = ice._relayed(ip_address("10.0.0.5"), ip_address("8.8.8.8"))
    assert (behind_router.status, behind_router.advice) == ("failed", "external-ip=8.8.8.8/10.0.0.5")
    assert ice._relayed(ip_address("10.0.0.5"), ip_address("10.0.0.5")).status == "ok"


def test_a_provider_that_gives_nothing_is_told(
    ask: Ask, stranger: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cloudflare, "API", f"http://127.0.0.1:{stranger}")
    found = ask("TURN", TURN_PROVIDER="cloudflare", TURN_KEY_ID="key", TURN_API_TOKEN="hunter2")
    assert (found.status, found.found) == ("failed", "cloudflare gives no credentials: HTTPError 400")
    assert "hunter2" not in str(found)
