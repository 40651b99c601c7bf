"""The page of a timeline: it says what was, and whatever a build is called, it runs nothing."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

from nox_buildkit.report.timeline.model import Timeline
from nox_buildkit.report.timeline.page import to_page
from tests.support.timelines import HOSTILE, REVERSING, hostile_timeline, timeline

#: All that a page may consist of: nothing here fetches, runs or embeds.
ELEMENTS = {
    "a", "b", "body", "caption", "code", "dd", "details", "div", "dl", "dt", "h1", "h2", "h3",
    "head", "header", "html", "input", "label", "li", "link", "main", "meta", "nav", "ol", "p",
    "section", "small", "span", "style", "summary", "table", "tbody", "td", "th", "thead", "time",
    "title", "tr", "ul",
}  # fmt: skip
VOID = {"meta", "link", "input", "br"}


class Elements(HTMLParser):
    """Every element with its attributes, and the text between them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def ids(page: Elements) -> list[str]:
    return [str(attributes["id"]) for _, attributes in page.found if "id" in attributes]


def test_text_of_a_build_stays_text() -> None:
    found = hostile_timeline()
    page = to_page(found, found)
    elements = Elements(page)

    assert {tag for tag, _ in elements.found} <= ELEMENTS
    assert elements.open == []
    names = {name for _, attributes in elements.found for name in attributes}
    assert not [name for name in names if name.startswith("on") or name in ("style", "src")]
    targets = {attributes["href"] for _, attributes in elements.found if "href" in attributes}
    assert all(target and target.startswith(("#", "data:,")) for target in targets)
    # It is all there, to be read.
    assert HOSTILE in elements.text
    assert REVERSING not in page


def test_credentials_are_left_out() -> None:
    page = to_page(hostile_timeline(), None)
    assert "index.example/simple" in page
    assert "hidden-token" not in page


def test_the_policy_allows_the_one_style_of_the_page_and_nothing_else() -> None:
    page = to_page(timeline(), None)
    style = re.search("<style>(.*?)</style>", page, re.DOTALL)
    policy = re.search('http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert style and policy
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy[1].replace("&#x27;", "'").split("; ") == [
        "default-src 'none'",
        f"style-src 'sha256-{digest}'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    assert not re.search(r"url\(|@import|https?://", page)


def test_every_link_leads_to_a_place_of_the_page() -> None:
    elements = Elements(to_page(timeline(), timeline()))
    places = ids(elements)
    assert len(places) == len(set(places))
    targets = [str(attributes.get("href")) for tag, attributes in elements.found if tag == "a"]
    assert {target.removeprefix("#") for target in targets} <= set(places)


def test_every_step_is_in_the_chart_and_in_the_table() -> None:
    found = timeline()
    elements = Elements(to_page(found, None))
    rows = [attributes for tag, attributes in elements.found if tag == "tr" and "id" in attributes]
    bars = [
        str(attributes["aria-label"])
        for tag, attributes in elements.found
        if tag == "a" and str(attributes.get("class", "")).startswith("bar")
    ]
    assert len(rows) == len(bars) == len(found.steps)
    assert sum("on the critical path" in bar for bar in bars) == len(found.critical)
    assert sum(", cached" in bar for bar in bars) == sum(step.cached for step in found.steps)


def test_the_same_builds_give_the_same_page() -> None:
    assert to_page(timeline(), timeline()) == to_page(timeline(), timeline())


def test_the_first_build_says_that_there_is_none_before() -> None:
    assert "There is no earlier build of these images" in to_page(timeline(), None)


def test_sizes_and_parts_are_shown_with_what_changed() -> None:
    before = timeline()
    smaller = replace(before.contents["sha256:pure"][0], version="0.115.0", size=6_000_000)
    before = replace(before, contents={**before.contents, "sha256:pure": (smaller,)})
    text = Elements(to_page(timeline(), before)).text

    for shown in ("fastapi 0.115.0 → 0.116.1", "6.00 MB", "+1.00 MB", "libbig.so", "20.0 MB"):
        assert shown in text


def test_a_build_of_nothing_but_empty_layers_has_a_page() -> None:
    found = timeline()
    empty = replace(found, contents={}, steps=found.steps[:1], seconds=0.0)
    assert "cannot be read" in to_page(empty, None)


def test_images_that_were_not_built_are_not_shown() -> None:
    both = timeline()
    one = Timeline(("hello",), both.began_at, both.seconds, both.steps, both.images, both.contents)
    assert "api linux/amd64</h3>" not in to_page(one, None)
