"""The shapes that engine tests build: the command of each, which needs no engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.shapes import SHAPES, Shape
from tests.unit.init.projects import proposed


@pytest.mark.parametrize(
    "shape", [s for s in SHAPES if s.name != "bake"], ids=lambda shape: shape.name
)
def test_a_shape_is_recognised(shape: Shape, tmp_path: Path) -> None:
    images, _ = proposed(tmp_path, shape.files)
    assert list(next(iter(images.values())).command or ()) == shape.command
