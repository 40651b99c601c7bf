"""A record that nobody can read counts as none, and says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nox_buildkit.build import records
from nox_buildkit.results import record
from nox_buildkit.results.model import (
    Archive,
    ImageResult,
    Layer,
    PlatformResult,
    Publication,
)

AMD64 = PlatformResult("linux/amd64", "sha256:a1", (Layer("base", "sha256:01", 28_600_000),))
RESULTS = (
    ImageResult("hello", "sha256:cc", (AMD64,), ("hello:1",), "dist/h", Archive(9, "f")),
    ImageResult("api", "sha256:dd", (AMD64,), seconds=0.4),
)
PLANS = {result.name: f"sha256:{result.name}" for result in RESULTS}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "build.json"
    records.write(path, RESULTS[:1], PLANS)
    records.write(path, RESULTS[1:], PLANS)
    found = records.read(path)
    assert {name: last.plan for name, last in found.items()} == PLANS
    assert [last.result.digest for last in found.values()] == [one.digest for one in RESULTS]
    assert found["hello"].result.platforms == RESULTS[0].platforms


def test_what_was_published_is_no_run_that_did_nothing(tmp_path: Path) -> None:
    """What was built before may be released now."""
    records.write(tmp_path / "build.json", RESULTS, PLANS)
    found = records.read(tmp_path / "build.json")["hello"].result
    assert found.up_to_date

    places = (
        Publication("r.example/hello", "sha256:ee", ("1", "latest")),
        Publication("r.example/copy", "sha256:ee"),
    )
    assert found.published(places, again=True).up_to_date
    published = found.published(places, again=False)
    assert not published.up_to_date
    assert published.tags == ("r.example/hello:1", "r.example/hello:latest")
    assert published.publications == places


def _entry(**changes: object) -> bytes:
    entry = record.to_json(RESULTS)["images"]["hello"] | {"plan": "sha256:1"} | changes
    return json.dumps({"images": {"hello": entry}}).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"", b"[]", b"5", b"\xff\xfe", b"[" * 100_000, b'{"images":' * 100_000,
        b'{"images": 5}', b'{"images": {"web": 5}}', b'{"images": {"web": {}}}',
        _entry(tags=5), _entry(tags=[5]), _entry(digest=None), _entry(platforms=[]),
        _entry(archive=None), _entry(archive={"size": "1", "sha256": ""}), _entry(warnings=None),
        _entry(plan=1), _entry(steps=5), _entry(seconds="x"), _entry(seconds=[]), _entry(output=5),
    ],
)  # fmt: skip
def test_a_damaged_record(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    path = tmp_path / "build.json"
    path.write_bytes(content)
    assert records.read(path, tell=True) == {}
    assert capsys.readouterr().err == f"{path} is not a record of a build: it is not used\n"
    records.write(path, RESULTS, PLANS)
    assert list(records.read(path)) == list(PLANS)


def test_no_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert records.read(tmp_path / "build.json", tell=True) == {}
    assert not capsys.readouterr().err
