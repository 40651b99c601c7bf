from __future__ import annotations

import itertools

import pytest

from nox_buildkit.report.timeline.treemap import Box, squarified


@pytest.mark.parametrize("sizes", [[1], [6, 6, 4, 3, 2, 2, 1], [1000, 1, 1, 1], [5] * 40])
@pytest.mark.parametrize("box", [Box(0, 0, 6, 4), Box(1, 2, 0.5, 3)])
def test_rectangles_have_the_sizes_as_areas_and_do_not_overlap(sizes: list[int], box: Box) -> None:
    boxes = squarified(sizes, box)
    scale = box.width * box.height / sum(sizes)
    assert [each.width * each.height for each in boxes] == pytest.approx([s * scale for s in sizes])
    for each in boxes:
        assert each.x >= box.x - 1e-9 and each.x + each.width <= box.x + box.width + 1e-6
        assert each.y >= box.y - 1e-9 and each.y + each.height <= box.y + box.height + 1e-6
    for one, other in itertools.combinations(boxes, 2):
        wide = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
        high = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
        assert wide < 1e-6 or high < 1e-6


def test_rectangles_are_nearly_squares() -> None:
    # The example of the paper.
    boxes = squarified([6, 6, 4, 3, 2, 2, 1], Box(0, 0, 6, 4))
    ratios = [max(box.width / box.height, box.height / box.width) for box in boxes]
    assert max(ratios) < 3
