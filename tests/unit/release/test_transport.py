"""Where requests to a registry go, and what an interrupted push still does."""

from __future__ import annotations

import time

import pytest

from nox_buildkit.build.pushing import _at_once
from nox_buildkit.release.transport import Transport, _origin


@pytest.mark.parametrize(
    ("stated", "asked"),
    [
        # A registry behind a proxy that ends TLS may take itself for one without.
        ("http://r.example/v2/a/blobs/uploads/1?x=y", "https://r.example/v2/a/blobs/uploads/1?x=y"),
        ("http://r.example:80/v2/", "https://r.example/v2/"),
        ("https://r.example/v2/", "https://r.example/v2/"),
        ("http://elsewhere.example/v2/", "http://elsewhere.example/v2/"),
    ],
)
def test_a_place_for_uploads_is_as_protected_as_the_registry(stated: str, asked: str) -> None:
    transport = Transport("r.example", _address="https://r.example")
    assert transport._own(stated) == asked


def test_a_login_is_for_one_scheme_host_and_port() -> None:
    own = _origin("https://r.example")
    assert _origin("https://r.example:443/v2/") == own
    others = ("http://r.example", "https://r.example:5000", "https://elsewhere.example")
    assert own not in map(_origin, others)


def test_an_interrupted_push_begins_nothing_new() -> None:
    done = []

    def step(number: int) -> None:
        if not number:
            raise KeyboardInterrupt
        time.sleep(0.05)
        done.append(number)

    with pytest.raises(KeyboardInterrupt):
        _at_once(step, range(100))
    assert len(done) < 30
