"""Pictures in the chat of the demo page: from a file and from the clipboard."""

import base64
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.images.test_images import SECRET, picture, with_secrets
from tests.support.page import OpenPage
from tests.support.visitors import Visitor

pytestmark = pytest.mark.needs("page", "messages")

PASTE = """(base64) => {
  const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], "image.png", { type: "image/png" }));
  const input = document.querySelector("#message-text");
  input.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
}"""
# What a phone's camera makes: more than the service takes.
LARGE = """async () => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [3000, 2000];
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(3000, 2000);
  const { data: bytes } = pixels;
  for (let i = 0; i < bytes.length; i += 65536) crypto.getRandomValues(bytes.subarray(i, i + 65536));
  context.putImageData(pixels, 0, 0);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.9));
  const transfer = new DataTransfer();
  transfer.items.add(new File([blob], "IMG_1.jpg", { type: "image/jpeg" }));
  const input = document.querySelector("#picture-file");
  input.files = transfer.files;
  input.dispatchEvent(new Event("change"));
  return blob.size;
}"""


def pictures(visitor: Visitor) -> Locator:
    """The pictures in the chat."""
    return visitor.page.get_by_role("img", name="Picture from")


def sides(image: Locator) -> list[int]:
    """Of a picture that has been loaded."""
    image.page.wait_for_function("(image) => image.complete", arg=image.element_handle())
    found: list[int] = image.evaluate("(image) => [image.naturalWidth, image.naturalHeight]")
    return found


def test_pictures_come_from_a_file_and_the_clipboard_and_are_there_after_a_reload(
    url: str, open_page: OpenPage
) -> None:
    ada, ben, sue = (Visitor(open_page()) for _ in range(3))
    code = ada.create(url, "Ada")
    ben.join(url, code, "Ben")
    file: Any = {"name": "me.jpg", "mimeType": "image/jpeg", "buffer": with_secrets("JPEG")}
    with ben.page.expect_file_chooser() as chooser:
        ben.page.get_by_role("button", name="Choose a picture").click()
    chooser.value.set_files([file])
    expect(pictures(ada)).to_have_count(1)
    assert sides(pictures(ada)) == [10, 20]
    assert SECRET not in ada.page.request.get(pictures(ada).get_attribute("src") or "").body()

    ada.page.evaluate(PASTE, base64.b64encode(picture(size=(40, 30))).decode())
    expect(pictures(ben)).to_have_count(2)
    assert sides(pictures(ben).last) == [40, 30]
    assert ada.page.evaluate(LARGE) > 2 * 1024 * 1024
    expect(pictures(ben)).to_have_count(3)
    assert sides(pictures(ben).last) == [1600, 1067]

    broken: Any = {"name": "x.png", "mimeType": "image/png", "buffer": b"no picture"}
    ada.page.locator("#picture-file").set_input_files([broken])
    expect(ada.page.get_by_role("alert")).to_contain_text("no PNG, JPEG, GIF or WebP image")
    ben.page.reload()
    expect(pictures(ben)).to_have_count(3)
    assert sides(pictures(ben).first) == [10, 20]

    sue.page.goto(f"{url}#{code}")
    sue.page.get_by_label("Only watch").check()
    sue.join(url, code, "Sue")
    expect(pictures(sue)).to_have_count(3)
    expect(sue.page.get_by_role("button", name="Choose a picture")).to_have_count(0)
