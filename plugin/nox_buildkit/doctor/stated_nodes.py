"""Nodes of a builder that the spec describes, before buildx has created it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from nox_buildkit.engine.inspect import Node
from nox_buildkit.engine.stated_builder import StatedBuilder, StatedNode

_CONNECT_SECONDS = 4
#: Options of buildx's driver ``remote`` that name files.
_FILES = ("cacert", "cert", "key")


def stated_nodes(stated: StatedBuilder) -> Iterator[Node]:
    """Yield the nodes of ``stated`` as far as they can be told without a builder."""
    for number, node in enumerate(stated.nodes):
        error = _error(node)
        asked = urlsplit(node.endpoint).scheme == "tcp"
        status = "takes connections" if asked else "is asked once the builder is created"
        yield Node(
            f"{stated.name}{number}", status, node.platforms, node.platforms, error, node.endpoint
        )


def _error(node: StatedNode) -> str:
    """Return why ``node`` cannot be used; empty if nothing speaks against it."""
    options = dict(node.options)
    for name in _FILES:
        if name in options and not Path(options[name]).is_file():
            return f"{name}: there is no file {options[name]}"
    try:
        parts = urlsplit(node.endpoint)
        if parts.scheme == "tcp":
            address = (parts.hostname or "", parts.port or 0)
            with socket.create_connection(address, _CONNECT_SECONDS):
                pass
    except TimeoutError:
        return f"no answer within {_CONNECT_SECONDS} s"
    except (OSError, ValueError) as error:
        return getattr(error, "strerror", None) or str(error)
    return ""
