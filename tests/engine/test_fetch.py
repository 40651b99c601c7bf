"""Layers of a base that a registry does not give."""

from __future__ import annotations

from pathlib import Path

import pytest

from nox_buildkit.engine.buildkit import Engine
from nox_buildkit.engine.events.diagnose import explain_base
from nox_buildkit.engine.fetch import fetch
from nox_buildkit.errors import EngineError
from tests.support.faulty_registry import serve_faulty


@pytest.mark.parametrize("status", [418, 429])
def test_a_registry_that_refuses_is_the_cause(
    engine: Engine, registry: str, tmp_path: Path, status: int
) -> None:
    with serve_faulty(registry) as proxy:
        proxy.fault = lambda method, path: status if "/manifests/" in path else None
        with pytest.raises(EngineError) as caught:
            fetch(engine, f"{proxy.address}/base:1", ["linux/amd64"], tmp_path / "layout")
    message = str(caught.value)
    assert str(status) in message
    assert "#0" not in message


def test_a_buildx_that_ends_without_a_word_is_told() -> None:
    problem = explain_base("base:1", "\n")
    assert "buildx ended without a word" in problem.message
