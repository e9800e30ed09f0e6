"""The demo page says in words why it does not connect to somebody, what helps, and who is relayed."""

import os

import pytest
from playwright.sync_api import expect

from tests.support.accessibility import expect_accessible
from tests.support.page import OpenPage
from tests.support.paths import NO_PATH
from tests.support.visitors import Visitor

# As its browser tells of a TURN server that refuses the page.
REFUSED = """
const Plain = RTCPeerConnection;
globalThis.RTCPeerConnection = class extends Plain {
  constructor(configuration) {
    super(configuration);
    const url = "turn:turn.example:3478?transport=udp";
    setTimeout(() => this.onicecandidateerror?.({ url, errorCode: 401, errorText: "Unauthorized" }), 50);
  }
};
"""
CASES = {
    "relayed": (
        NO_PATH,
        "through the service",
        "No path to Ben: no address to connect by was found. This needs a TURN server.",
    ),
    "no-webrtc": (
        "delete globalThis.RTCPeerConnection",
        "through the service",
        "No path to Ben: one of the two browsers has no WebRTC. Another browser helps.",
    ),
    "turn-refused": (
        NO_PATH + REFUSED,
        "through the service",
        "No path to Ben: the TURN server refuses this page (401). Its secret must be the service's.",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_page_says_why_it_does_not_connect_and_what_helps(
    url: str, open_page: OpenPage, case: str
) -> None:
    script, state, why = CASES[case]
    ada, ben = (Visitor(open_page(reduced_motion="reduce")) for _ in range(2))
    ada.page.add_init_script(script)
    ben.page.add_init_script(NO_PATH)
    ben.join(url, ada.create(url, "Ada"), "Ben")
    item = ada.page.locator(".people li", has_text="Ben")
    expect(item.locator(".state")).to_have_text(state)
    expect(item.locator(".why")).to_have_text(why)
    expect(ada.page.get_by_role("status")).to_have_text(
        "Connected to 0 of 1. Short messages reach 1 more through the service."
    )
    ada.say("Hello all the same")
    ben.expect_message("Ada", "Hello all the same")
    expect_accessible(ada.page, case)
    if os.environ.get("SCREENSHOTS"):
        ada.page.screenshot(path=f"{os.environ['SCREENSHOTS']}/path-{case}.png")
