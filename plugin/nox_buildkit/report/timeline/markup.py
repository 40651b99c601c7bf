"""HTML in which text can be nothing but text: whatever is no `Markup` is escaped."""

from __future__ import annotations

import html
import re

from nox_buildkit.printable import redacted, visible_lines

#: Text that is the same in HTML, and has no address.
_PLAIN = re.compile(r"[A-Za-z0-9 .,:;#%()+=_-]*")
#: Elements without an end.
_VOID = frozenset({"meta", "link", "input", "br"})


class Markup(str):
    """Text that is HTML: what `element` made, or what is written in this package."""

    __slots__ = ()


#: Children of an element; None and False are left out.
Child = str | None | bool


def escaped(text: str) -> Markup:
    """Return ``text`` as HTML, with nothing that hides, reverses or logs in."""
    return text if isinstance(text, Markup) else Markup(_escape(text))


def joined(*children: Child) -> Markup:
    """Return all ``children``, one after another."""
    return Markup("".join([escaped(each) for each in children if isinstance(each, str)]))


def element(name: str, /, *children: Child, **attributes: Child | int) -> Markup:
    """Return an element; an attribute's ``_`` is a hyphen, and ``class_`` is ``class``.

    An attribute that is True has no value; one that is None or False is left out.
    """
    stated = [
        _attribute(key, value)
        for key, value in attributes.items()
        if value is not None and value is not False
    ]
    begin = f"<{name}{''.join(stated)}>"
    return Markup(begin if name in _VOID else f"{begin}{joined(*children)}</{name}>")


def _attribute(key: str, value: str | int) -> str:
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{_escape(str(value))}"'


def _escape(text: str) -> str:
    # Most of a page is short and plain.
    if _PLAIN.fullmatch(text):
        return text
    return html.escape(redacted(visible_lines(text)))
