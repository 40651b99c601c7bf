"""The site: built from docs/ with every warning an error, whole, and of use without a network."""

from __future__ import annotations

import fnmatch
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

pytestmark = pytest.mark.engine

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
NAVIGATION = re.compile(r"^```\{toctree\}\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
INTO_DOCS = re.compile(r"\]\(docs/(?P<page>[\w/-]+)\.md#(?P<anchor>[\w-]+)\)")


@dataclass
class Page(HTMLParser):
    """What a page is made of: its anchors, what it leads to, and what a browser loads for it."""

    path: Path
    anchors: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.path.read_text(encoding="utf-8"))

    def __hash__(self) -> int:
        return hash(self.path)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.anchors |= {values[name] for name in ("id", "name") if name in values}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        elif tag == "link" and values.get("rel") not in ("canonical", "index", "search"):
            self.loaded.append(values.get("href", ""))
        elif "src" in values:
            self.loaded.append(values["src"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as `nox -s docs` builds it."""
    folder = tmp_path_factory.mktemp("site")
    options = ("-n", "-W", "--keep-going", "-q", "-b", "html")
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *options, "-d", folder / "state", DOCS, folder / "html"],
        check=False,
        capture_output=True,
        text=True,
        # Whatever wants a network finds a port that nothing listens on.
        env={**os.environ, "HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"},
    )
    assert done.returncode == 0, done.stderr
    return folder / "html"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {path: Page(path) for path in sorted(site.rglob("*.html"))}


def test_every_page_is_in_the_navigation() -> None:
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    lines = [line for match in NAVIGATION.finditer(index) for line in match["body"].splitlines()]
    names = [line for line in lines if line and not line.startswith(":")]
    written = {str(p.relative_to(DOCS).with_suffix("")) for p in DOCS.rglob("*.md")} - {"index"}

    # The pages of a folder are found below its index page.
    names += [f"{name.removesuffix('index')}*" for name in names if name.endswith("/index")]

    missing = sorted(n for n in written if not any(fnmatch.fnmatch(n, each) for each in names))
    assert missing == [], "add them to a toctree of docs/index.md"


def test_every_link_of_the_site_leads_to_a_page_and_an_anchor_of_it(
    site: Path, pages: dict[Path, Page]
) -> None:
    broken = [f"{p.path.relative_to(site)}: {link}" for p in pages.values() for link in p.links
              if not _leads(p, link, pages)]  # fmt: skip
    assert broken == []


def _leads(page: Page, link: str, pages: dict[Path, Page]) -> bool:
    parts = urlsplit(link)
    if parts.scheme:
        return parts.scheme in ("https", "mailto")
    place = (page.path.parent / unquote(parts.path)).resolve() if parts.path else page.path
    if place not in pages:
        return place.is_file()
    return parts.fragment in ("", "top") or unquote(parts.fragment) in pages[place].anchors


def test_the_site_loads_nothing_from_elsewhere(site: Path, pages: dict[Path, Page]) -> None:
    for page in pages.values():
        for name in page.loaded:
            place = page.path.parent / urlsplit(name).path
            assert name.startswith("data:") or place.is_file(), f"{page.path}: {name}"
    styles = "".join(path.read_text(encoding="utf-8") for path in site.rglob("*.css"))
    assert not re.search(r"(?:@import|url\()\s*[\"']?(?:https?:)?//", styles)


def test_the_search_works_without_a_server(site: Path) -> None:
    # A script, and not a file to fetch: browsers fetch none for a page that is a file itself.
    index = (site / "searchindex.js").read_text(encoding="utf-8")
    assert index.startswith("Search.setIndex(")
    assert "wheelhous" in index
    assert "searchindex.js" in (site / "search.html").read_text(encoding="utf-8")


def test_pictures_say_what_they_show(site: Path, pages: dict[Path, Page]) -> None:
    path = site / "explanation/layers.html"
    text = path.read_text(encoding="utf-8")
    (named,) = re.findall(r'<svg [^>]*role="img" aria-labelledby="([^"]+)"', text)

    assert set(named.split()) <= pages[path].anchors
    assert all(f'<{tag} id="' in text for tag in ("title", "desc"))


def test_links_out_of_the_pages_lead_to_the_repository(site: Path, pages: dict[Path, Page]) -> None:
    links = pages[site / "how-to/django.html"].links
    assert any(link.endswith("/tree/main/examples/django") for link in links)


def test_links_of_the_readme_lead_to_anchors(site: Path, pages: dict[Path, Page]) -> None:
    found = [
        (path.name, match["page"], match["anchor"])
        for path in sorted(ROOT.glob("*.md"))
        for match in INTO_DOCS.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found
    for name, page, anchor in found:
        assert anchor in pages[site / f"{page}.html"].anchors, f"{name}: {page}.md#{anchor}"
