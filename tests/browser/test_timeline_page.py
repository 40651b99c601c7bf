"""The page of a timeline in a real browser: what it asks for, how it is used, and that it fits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys

from nox_buildkit.report.timeline.page import to_page
from tests.support.browser import Browser, chromium
from tests.support.timelines import hostile_timeline, timeline

pytestmark = pytest.mark.engine

WIDTHS = (360, 1600)
SCHEMES = ("light", "dark")
#: Text on its background, by WCAG 2.2: what is large enough may have less.
LEAST, LEAST_LARGE = 4.5, 3.0

#: Text with too little contrast, shown at the moment or not, with its place.
CONTRAST = """
const luminance = ([r, g, b]) => [r, g, b].map(v => v / 255)
  .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
  .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
const parsed = text => text.match(/[\\d.]+/g).map(Number);
const behind = node => {
  for (; node; node = node.parentElement) {
    const colour = parsed(getComputedStyle(node).backgroundColor);
    if (colour.length < 4 || colour[3] === 1) return colour;
  }
  return parsed(getComputedStyle(document.body).backgroundColor);
};
const found = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const node = walker.currentNode.parentElement, style = getComputedStyle(node);
  if (!walker.currentNode.data.trim()) continue;
  const light = [luminance(parsed(style.color)), luminance(behind(node))];
  const ratio = (Math.max(...light) + 0.05) / (Math.min(...light) + 0.05);
  const size = parseFloat(style.fontSize), bold = Number(style.fontWeight) >= 700;
  const large = size >= 24 || (bold && size >= 18.66);
  if (ratio < (large ? arguments[1] : arguments[0]))
    found.push([node.className, walker.currentNode.data.slice(0, 40), ratio]);
}
return found;
"""
#: The element that has the focus, and whether what is told of it is seen beside it.
FOCUSED = """
const e = document.activeElement, tip = e.querySelector('.tip'), style = getComputedStyle(e);
const own = e.getBoundingClientRect(), its = tip && tip.getBoundingClientRect();
return {
  name: e.getAttribute('aria-label') || e.textContent,
  bar: e.classList.contains('bar'),
  outline: style.outlineStyle + ' ' + style.outlineWidth,
  tip_fits: its && its.width > 200 && its.left >= 0 && its.right <= innerWidth
    && its.top > 0 && its.bottom <= innerHeight,
  hidden_by_tip: its && own.bottom > its.top,
};
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("profile")) as started:
        yield started


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build of two images beside one of which everything was cached."""
    path = tmp_path_factory.mktemp("dist") / "timeline.html"
    path.write_text(to_page(timeline(), timeline("two-images-cached")), encoding="utf-8")
    return path


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_it_asks_for_nothing_has_no_errors_and_fits(
    browser: Browser, page: Path, width: int, scheme: str, tmp_path: Path
) -> None:
    browser.show(width, scheme)
    assert browser.open(page) == []
    assert browser.errors() == []

    assert browser.script("return document.documentElement.scrollWidth") <= width
    assert browser.script(CONTRAST, LEAST, LEAST_LARGE) == []
    shot = tmp_path / "page.png"
    assert browser.driver.save_screenshot(str(shot)) and shot.stat().st_size > 10_000


def test_the_two_schemes_differ(browser: Browser, page: Path) -> None:
    seen = set()
    for scheme in SCHEMES:
        browser.show(1600, scheme)
        browser.open(page)
        seen.add(browser.script("return getComputedStyle(document.body).backgroundColor"))
    assert len(seen) == len(SCHEMES)


def test_names_of_a_build_run_nothing_and_fetch_nothing(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "hostile.html"
    path.write_text(to_page(hostile_timeline(), hostile_timeline()), encoding="utf-8")
    browser.show(1600)

    assert browser.open(path) == []
    assert browser.errors() == []
    assert browser.driver.title == "Build of hello, api"
    assert browser.script("return document.querySelectorAll('script, img, [onerror]').length") == 0
    assert "attacker.example" in browser.script("return document.body.innerText")
    assert browser.script("return document.documentElement.scrollWidth") <= 1600


@pytest.mark.parametrize("width", WIDTHS)
def test_every_step_is_reached_by_the_keyboard_and_its_focus_is_seen(
    browser: Browser, page: Path, width: int
) -> None:
    browser.show(width)
    browser.open(page)
    steps = timeline().steps
    focused: list[str] = []
    for _ in range(len(steps) + 20):
        browser.press(Keys.TAB)
        found = browser.script(FOCUSED)
        if found["bar"]:
            assert found["outline"] == "solid 3px"
            assert found["tip_fits"] and not found["hidden_by_tip"]
            focused.append(found["name"])
        elif focused:
            break
    assert len(focused) == len(steps)
    assert any(name.endswith("on the critical path") for name in focused)


def test_a_step_leads_to_its_row_and_back(browser: Browser, page: Path) -> None:
    browser.show(1600)
    browser.open(page)
    browser.script("document.getElementById('bar-7').focus()")
    browser.press(Keys.ENTER)
    assert browser.script("return document.querySelector(':target').id") == "step-7"
    # What follows the row is its first link.
    browser.press(Keys.TAB)
    browser.press(Keys.ENTER)
    assert browser.script("return document.querySelector(':target').id") == "bar-7"


def test_the_skip_link_leads_past_the_chart(browser: Browser, page: Path) -> None:
    browser.show(360)
    browser.open(page)
    browser.press(Keys.TAB)
    box = browser.script("return document.activeElement.getBoundingClientRect().toJSON()")
    assert box["left"] >= 0 and box["top"] >= 0
    browser.press(Keys.ENTER)
    assert browser.script("return location.hash") == "#steps"


def test_the_chart_is_widened_by_the_keyboard(browser: Browser, page: Path) -> None:
    browser.show(1600)
    browser.open(page)
    width = "return document.querySelector('.plot').getBoundingClientRect().width"
    before = browser.script(width)
    browser.script("document.getElementById('zoom1').focus()")
    browser.press(Keys.ARROW_RIGHT)
    assert browser.script(width) == pytest.approx(2 * before, rel=0.01)
    assert browser.script("return document.documentElement.scrollWidth") <= 1600


def test_assistive_technology_hears_landmarks_headings_tables_and_steps(
    browser: Browser, page: Path
) -> None:
    browser.show(1600)
    browser.open(page)
    found = browser.accessible()
    for expected in (
        ("navigation", "Parts of this page"),
        ("heading", "Build of hello, api"),
        ("region", "Where the time went"),
        ("region", "Critical path"),
        ("heading", "Compared with the build before"),
        ("heading", "What makes it heavy"),
        ("table", "Every step"),
        ("columnheader", "Instruction"),
        ("radio", "2\N{MULTIPLICATION SIGN}"),
    ):
        assert expected in found
    assert sum(role == "main" for role, _ in found) == 1
    links = [name for role, name in found if role == "link"]
    assert len([name for name in links if "export, hello all platforms: 3.2 s" in name]) == 1
    assert not [role for role, name in found if role in ("link", "radio", "image") and not name]
    images = [name for role, name in found if role == "image"]
    assert images and all(name.startswith("Parts of ") for name in images)
