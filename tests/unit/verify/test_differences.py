"""The first difference of two images, and its likely cause."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

import pytest

from nox_buildkit.verify.differences import first_difference


def layer(folder: Path, name: str, *members: dict[str, object], level: int = 6) -> Path:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for member in map(dict, members):
            content = str(member.pop("content", "x")).encode()
            info = tarfile.TarInfo(str(member.pop("name", "app/main.py")))
            info.size = len(content)
            for key, value in member.items():
                setattr(info, key, value)
            tar.addfile(info, io.BytesIO(content))
    path = folder / name
    path.write_bytes(gzip.compress(raw.getvalue(), level, mtime=0))
    return path


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        ({"content": "y"}, "content"),
        ({"mode": 0o600}, "mode: 0644 and 0600"),
        ({"uid": 7}, "owner: 0:0 and 7:0"),
        ({"mtime": 5}, "time: 0 and 5 seconds since 1970"),
        ({"name": "app/other.py"}, "only the rebuilt image has it"),
        ({}, "compression: the files are equal, and their archive is not"),
    ],
)
def test_a_file(tmp_path: Path, changed: dict[str, object], cause: str) -> None:
    same = layer(tmp_path, "same", {})
    one = layer(tmp_path, "one", {}, level=1)
    other = layer(tmp_path, "other", changed)
    found = first_difference([same, one], [same, other])
    assert found
    assert (found.layer, found.cause) == (1, cause)
    assert found.path == ("app/main.py" if changed else "")
    assert first_difference([same], [same]) is None


def test_the_order_of_files_and_the_number_of_layers(tmp_path: Path) -> None:
    one = layer(tmp_path, "one", {"name": "a"}, {"name": "b"})
    other = layer(tmp_path, "other", {"name": "b"}, {"name": "a"})
    assert str(first_difference([one], [other])) == (
        "layer 0, /a: order: the same files stand in another order"
    )
    found = first_difference([one], [one, other])
    assert found
    assert (found.layer, found.cause) == (1, "one of the images has no such layer")
