"""Files of earlier builds are recognised by their record, and nobody else's files are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nox_buildkit.build import records
from nox_buildkit.facts.ignore import Candidates
from nox_buildkit.facts.placed_files import read_placed
from nox_buildkit.file_digests import FileDigests
from nox_buildkit.lock.project_sources import read_sources
from nox_buildkit.output_files import is_output_file, output_files
from nox_buildkit.results.model import ImageResult

RESULT = ImageResult("web", "sha256:cc", ())
PLANS = {"web": "sha256:web"}

WRITTEN = (
    "web.oci.tar", "timeline.json", "timeline.html", "trace.json", "release-journal.json",
    ".web.oci.tar.x1.nox-buildkit.part",
)  # fmt: skip
OTHERS = ("main.py", "other.oci.tar", "results/mine.json", "index.html", "data.json")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NOX_BUILDKIT_CACHE", str(tmp_path / "cache"))
    (tmp_path / "project").mkdir()
    return tmp_path / "project"


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("{}")


def built(folder: Path, record: str = "build.json") -> Path:
    """A folder that a build has written to, and somebody else, too."""
    write(folder, *WRITTEN, *OTHERS)
    records.write(folder / record, [RESULT], PLANS)
    records.write(folder / "results" / "web-linux-amd64.json", [RESULT], PLANS)
    return folder


@pytest.mark.parametrize("record", ["build.json", "release.json"])
@pytest.mark.parametrize("below", [".", "out", "deep/er"])
def test_what_a_build_wrote_is_not_among_the_sources(
    project: Path, record: str, below: str
) -> None:
    built(project / below, record)
    expected = {(Path(below) / name).as_posix() for name in OTHERS}

    assert set(Candidates(project, ()).select(["."]).files) == expected
    sources = read_sources(project).entries
    assert {entry.path for entry in sources if entry.kind == "file"} == expected


def test_what_a_build_wrote_is_not_in_a_folder_that_is_named(project: Path) -> None:
    built(project / "out")
    (project / ".gitignore").write_text("out\n")

    assert set(Candidates(project, ()).select(["out"]).files) == {f"out/{name}" for name in OTHERS}
    placed = read_placed(project, "out", (), FileDigests(project, "sources"))
    assert {each.below for each in placed.sources if each.kind == "file"} == set(OTHERS)


def test_a_file_that_is_named_is_taken(project: Path) -> None:
    built(project / "out")
    found = Candidates(project, ()).select(["out/web.oci.tar"])

    assert found.files == ("out/web.oci.tar",)
    assert found.warnings == ()


@pytest.mark.parametrize(
    "content", ["", "[]", "5", "{}", '{"images": {}}', '{"images": {"web": {}}}', '{"images": []}']
)
def test_files_of_these_names_may_be_somebody_elses(project: Path, content: str) -> None:
    write(project, *WRITTEN[:-1])
    (project / "build.json").write_text(content)

    names = {*WRITTEN[:-1], "build.json"}
    assert set(Candidates(project, ()).select(["."]).files) == names


def test_files_that_a_first_build_is_going_to_write_are_excluded(project: Path) -> None:
    """Where the folder is not there yet, all of it: it is made before the sources are sent."""
    write(project, "main.py", "release.json")
    for folder, ignored in (
        (project / "out", {"out"}),
        (project / "deep" / "er", {"deep"}),
        (
            project,
            {"build.json", "timeline.html", "timeline.json", "trace.json", "web.oci.tar"},
        ),
        (project.parent, set()),
    ):
        found = Candidates(project, output_files(folder, ["web"])).select(["."])
        assert set(found.ignored) == ignored, folder
        # A build writes no release.json: it is the application's own.
        assert found.files == ("main.py", "release.json")


def test_a_record_of_another_program(project: Path) -> None:
    (project / "build.json").write_text(json.dumps({"images": {"web": {"digest": 1}}}))
    assert not is_output_file(str(project / "build.json"))
