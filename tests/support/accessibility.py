"""What a page shows, looked at by axe."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}
# The boxes of all that can be seen: each line of text, each control and picture, as far as nothing clips
# them; two that share more than a pixel, unless one is inside the other, or reach out of the window.
COVERED = """() => {
  const clipped = (rect, element) => {
    let { left, top, right, bottom } = rect;
    for (let parent = element; parent; parent = parent.parentElement) {
      const style = getComputedStyle(parent);
      if (style.overflowX === "visible" || parent === document.documentElement) continue;
      const box = parent.getBoundingClientRect();
      [left, top] = [Math.max(left, box.left), Math.max(top, box.top)];
      [right, bottom] = [Math.min(right, box.right), Math.min(bottom, box.bottom)];
    }
    return { left, top, right, bottom };
  };
  const boxes = [];
  const add = (rect, element, what) => {
    const box = clipped(rect, element);
    if (box.right - box.left > 1 && box.bottom - box.top > 1) boxes.push({ ...box, element, what });
  };
  const root = document.querySelector("dialog[open]") ?? document.body;
  for (const element of root.querySelectorAll("*")) {
    if (!element.checkVisibility() || element.closest(".visually-hidden, svg.lane")) continue;
    if (element.matches("button, input, video, img, svg"))
      add(element.getBoundingClientRect(), element, element.outerHTML.slice(0, 60));
    if (element.closest("figure")) continue; // the name is written on the picture
    for (const node of element.childNodes) {
      if (node.nodeType !== Node.TEXT_NODE || !node.data.trim()) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      for (const rect of range.getClientRects()) add(rect, element, node.data.trim().slice(0, 60));
    }
  }
  const found = boxes.filter(({ left, right }) => left < -0.5 || right > innerWidth + 0.5)
    .map(({ what }) => [what, "outside"]);
  boxes.forEach((a, i) => {
    for (const b of boxes.slice(i + 1)) {
      if (a.element.contains(b.element) || b.element.contains(a.element)) continue;
      const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (width > 1 && height > 1) found.push([a.what, b.what]);
    }
  });
  return [innerWidth, found];
}"""


def expect_accessible(page: Page, state: str) -> None:
    """Neither rules nor best practices of axe are broken by what the page shows now."""
    page.evaluate("Promise.allSettled(document.getAnimations().map(({ finished }) => finished))")
    found = Axe().run(page).response
    assert found["passes"] or found["violations"], "axe has looked at nothing"
    broken = [(rule["id"], [node["html"][:200] for node in rule["nodes"]]) for rule in found["violations"]]
    assert broken == [], state
