"""What the app does otherwise because Passenger runs it."""

import threading
from collections.abc import Iterator

import pytest
import requests

from tests.ops.test_doctor import Deployment, deployment  # noqa: F401
from tests.support.apache import Apache
from tests.support.peers import Api

WAIT = 25


@pytest.fixture(scope="module")
def apache() -> Iterator[Apache]:
    """The app with two processes, told to hold polls."""
    with Apache("outside", processes=2) as running:
        running.put_app(LONG_POLL_SECONDS=WAIT, STUN_URLS=[])
        yield running


def test_waiting_pages_occupy_no_process(apache: Apache) -> None:
    host = Api.of_url(apache.url).create_room()
    answers: list[float] = []
    url = f"{apache.url}/signal/{host.room['code']}/{host.id}"
    query = {"after": "0", "wait": str(WAIT)}

    def wait() -> None:
        answer = requests.get(url, query, headers={"Authorization": f"Bearer {host.token}"}, timeout=60)
        answers.append(answer.json()["data"]["pollAfterMs"])

    pages = [threading.Thread(target=wait) for _ in range(8)]
    for page in pages:
        page.start()
    assert requests.get(f"{apache.url}/health", timeout=WAIT / 2).status_code == 200
    for page in pages:
        page.join(timeout=WAIT / 2)
    assert len(answers) == 8
    # They come again at the usual pace, and not at once as after a poll that was held.
    assert min(answers) >= 100


def test_that_nothing_is_held_stands_in_the_log_and_in_the_doctors_report(apache: Apache) -> None:
    assert requests.get(f"{apache.url}/health", timeout=60).status_code == 200
    assert "LONG_POLL_SECONDS is 25, but polls are not held behind Passenger" in apache.log
    account = apache.account
    report = account.run(account.python, "-m", "party", "doctor", cwd=apache.app_root, check=False).stdout
    line = next(line for line in report.splitlines() if "long polls" in line)
    assert line.startswith("warning")
    assert "not held behind Passenger" in line


@pytest.mark.parametrize(
    ("seconds", "variable", "status"),
    [(0, "IN_PASSENGER", "ok"), (WAIT, "IN_PASSENGER", "warning"), (WAIT, "ELSEWHERE", "ok")],
)
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_the_doctor_knows_where_polls_can_be_held(
    deployment: Deployment,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    seconds: int,
    variable: str,
    status: str,
) -> None:
    monkeypatch.delenv("IN_PASSENGER", raising=False)
    monkeypatch.setenv(variable, "1")
    deployment.configure(LONG_POLL_SECONDS=seconds)
    finding = deployment.examine()["long polls"]
    assert finding.status == status
    assert bool(finding.advice) == (status == "warning")
