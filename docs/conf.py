"""Sphinx: the pages of docs/ as a site that needs no network, neither to build nor to read."""

from __future__ import annotations

import logging
import posixpath
import re
import tomllib
from pathlib import Path
from typing import Any

from docutils import nodes

DOCS = Path(__file__).parent
ROOT = DOCS.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

project = "nox-buildkit"
author = "The nox-buildkit authors"
copyright = f"2026 {author}"
version = release = PROJECT["version"]
language = "en"
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]

extensions = ["myst_parser"]
# Anchors as GitHub makes them, so that a link leads to the same place here and there.
myst_heading_anchors = 4
myst_links_external_new_tab = False
nitpicky = True

html_theme = "furo"
html_title = f"nox-buildkit {version}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = html_show_sourcelink = html_show_sphinx = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0b5c8f", "color-brand-content": "#0b5c8f"},
    "dark_css_variables": {"color-brand-primary": "#6cb8e6", "color-brand-content": "#6cb8e6"},
}
pygments_style, pygments_dark_style = "friendly", "github-dark"

_LINK = re.compile(r"(?P<before>\]\()(?P<path>\.\./[^)#\s]+)(?P<anchor>#[^)\s]+)?(?P<after>\))")


def lead_to_repository(app: Any, page: str, source: list[str]) -> None:
    """Turn links to files outside docs/ into links to the repository; all others stay."""

    def replaced(match: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join("docs", posixpath.dirname(page), match["path"]))
        if path.startswith("docs/"):
            return match[0]
        if not (ROOT / path).exists():
            raise ValueError(f"{page}: {path} is linked and is not there")
        kind = "tree" if (ROOT / path).is_dir() else "blob"
        url = f"{PROJECT['urls']['Repository']}/{kind}/main/{path}{match['anchor'] or ''}"
        return f"{match['before']}{url}{match['after']}"

    source[0] = _LINK.sub(replaced, source[0])


def list_folder(app: Any, page: str, source: list[str]) -> None:
    """Put the pages of a folder below its index page in the navigation."""
    if page.endswith("/index"):
        source[0] += "\n```{toctree}\n:hidden:\n:glob:\n\n*\n```\n"


def place_pictures_inline(app: Any, document: nodes.document) -> None:
    """Write SVG into the page: it then has the theme's colours, and readers hear its title."""
    folder = (DOCS / app.env.docname).parent
    for image in list(document.findall(nodes.image)):
        if image["uri"].endswith(".svg"):
            text = (folder / image["uri"]).read_text(encoding="utf-8")
            picture = f'<div class="picture">{text}</div>'
            image.replace_self(nodes.raw("", picture, format="html"))


def setup(app: Any) -> dict[str, bool]:
    """Connect the functions above."""
    app.connect("source-read", lead_to_repository)
    app.connect("source-read", list_folder)
    # A glob of the navigation is a place for pages to come.
    directives = logging.getLogger("sphinx.sphinx.directives.other")
    directives.addFilter(lambda record: "toctree glob pattern" not in record.msg)
    # Before Sphinx collects images to copy.
    app.connect("doctree-read", place_pictures_inline, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
