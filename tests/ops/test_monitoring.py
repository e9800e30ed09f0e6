"""What deploy/ has for Grafana and Prometheus asks for metrics that there are."""

import json
import re

import pytest

from tests.conftest import MakeApp
from tests.support.peers import Api
from tests.support.server import ROOT

ALERTS, BOARD = ROOT / "deploy/alerts.yml", ROOT / "deploy/grafana.json"


@pytest.mark.needs("history", "reports")
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_the_board_and_the_rules_ask_for_metrics_that_there_are(make_app: MakeApp) -> None:
    # Also those of which there is nothing to tell yet.
    text = Api.of_app(make_app()).request("GET", "/metrics").text
    served = set(re.findall(r"^# HELP (party_\w+)", text, re.MULTILINE))
    asked = [
        target["expr"] for panel in json.loads(BOARD.read_text())["panels"] for target in panel["targets"]
    ]
    asked += re.findall(r"expr: (.*)", ALERTS.read_text())
    names = {name for expression in asked for name in re.findall(r"party_\w+", expression)}
    assert len(names) >= 5
    assert names - served == set()
