"""Media tracks over a long evening: cameras on and off, and offers that do not get through."""

import json

import pytest

from tests.support import tabs
from tests.support.tabs import Tab, exchange

# The service, and two who are connected.
service = tabs.service
pair = tabs.pair

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


def camera_on(tab: Tab) -> str:
    """Turn the camera on; the id of its stream."""
    tab.run("await harness.getCamera(); harness.addCamera()")
    stream: str = tab.get("harness.cameraId()")
    return stream


def sees(tab: Tab, other: Tab, stream: str) -> None:
    """The tab is told of both tracks of a stream, and they arrive."""
    tab.wait("harness.arriving(arg.id, arg.stream) === 'audio,video'", {"id": other.id, "stream": stream})
    # What plays now, not what played once.
    tab.run("await harness.moves(...arg)", [other.id, stream])


def offers(tab: Tab) -> list[int]:
    """The sizes of the offers of a tab."""
    body = "harness.traceOf('sent').filter(({ type }) => type === 'offer').map(({ payload }) => payload)"
    return [len(json.dumps(payload)) for payload in tab.get(body)]


def test_a_camera_that_is_turned_on_and_off_does_not_make_offers_grow(pair: tuple[Tab, Tab]) -> None:
    ada, ben = pair
    for _ in range(15):
        stream = camera_on(ada)
        sees(ben, ada, stream)
        ada.run("harness.removeCamera()")
        ben.wait("harness.arriving(arg.id, arg.stream) === ''", {"id": ada.id, "stream": stream})
    sizes = offers(ada)
    assert 29 <= len(sizes) <= 40
    assert max(sizes) < 16_000
    assert ada.get("harness.errors") == []
    # The other side takes the same places for its own camera.
    sees(ada, ben, camera_on(ben))
    assert max(offers(ben)) < 16_000
    exchange(ada, ben)
    assert ada.get("harness.opened.ben") == 1


def test_both_turn_cameras_on_and_off_at_once(pair: tuple[Tab, Tab]) -> None:
    ada, ben = pair
    for _ in range(4):
        streams = [camera_on(tab) for tab in pair]
        sees(ben, ada, streams[0])
        sees(ada, ben, streams[1])
        for tab in pair:
            tab.run("harness.removeCamera()")
    assert max(offers(ada) + offers(ben)) < 20_000
    exchange(ada, ben)


def test_an_offer_that_the_service_refuses_costs_neither_the_connection_nor_the_camera(
    pair: tuple[Tab, Tab],
) -> None:
    ada, ben = pair
    refuse_offers(ada, 2)
    stream = camera_on(ada)
    ada.wait("harness.errors.length === 2")
    assert ada.get("harness.errors") == ["TOO_LARGE"] * 2
    sees(ben, ada, stream)
    exchange(ada, ben)
    assert ada.get("harness.opened.ben") == ben.get("harness.opened.ada") == 1


def refuse_offers(tab: Tab, count: int) -> None:
    """The next requests with an offer are answered as if they were too large."""
    tab.run(
        """
        const { fetch } = globalThis;
        let left = arg;
        globalThis.fetch = (url, options) => {
          if (left === 0 || !String(options?.body).includes('"offer"')) return fetch(url, options);
          left -= 1;
          const error = { code: "TOO_LARGE", message: "Too large." };
          return Promise.resolve(Response.json({ success: false, error }, { status: 413 }));
        };
        """,
        count,
    )
