"""Files and folders that are named for a place of their own: what is taken, and what never is."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from nox_buildkit.buildspec.model.targets import all_targets
from nox_buildkit.buildspec.reading.load import parse
from nox_buildkit.errors import PlanError
from nox_buildkit.facts.placed_files import read_placed
from nox_buildkit.file_digests import FileDigests
from nox_buildkit.plan.application import PlacedFile, Sources
from nox_buildkit.plan.base import DebianRelease
from nox_buildkit.plan.facts import ContextFacts, PinnedBase, PlacedSource, TargetFacts
from nox_buildkit.plan.placed_files import placed_files

#: Nothing was read before.
DIGESTS = FileDigests(Path("/project"), "sources")


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """A context whose built front end is ignored, with what a build leaves in it."""
    root = tmp_path / "context"
    dist = root / "web" / "dist"
    (dist / "empty").mkdir(parents=True)
    (root / ".gitignore").write_text("dist/\n*.map\n")
    (root / ".dockerignore").write_text("web\n")
    for name in ("index.html", "app.map", ".env", ".DS_Store", "run"):
        (dist / name).write_text(name)
    (dist / "run").chmod(0o700)
    (dist / "inside").symlink_to("index.html")
    (dist / "outside").symlink_to("../../../secret")
    (dist / "absolute").symlink_to("/etc/passwd")
    (tmp_path / "secret").write_text("secret")
    return root


def test_a_named_folder_is_taken_though_it_is_ignored(context: Path) -> None:
    found = read_placed(context, "web/dist", (), DIGESTS)

    assert [(each.below, each.kind) for each in found.sources] == [
        ("", "folder"),
        ("absolute", "link"),
        ("app.map", "file"),
        ("empty", "folder"),
        ("index.html", "file"),
        ("inside", "link"),
        ("outside", "link"),
        ("run", "file"),
    ]
    links = {each.below: each.link for each in found.sources if each.kind == "link"}
    # As they are: nothing that they lead to is read.
    assert links == {
        "absolute": "/etc/passwd",
        "inside": "index.html",
        "outside": "../../../secret",
    }
    assert [each.below for each in found.sources if each.executable] == ["run"]
    assert found.warnings == ("'web/dist/.env' is not in the image: it is a file for secrets",)


def test_every_change_in_a_folder_is_seen(context: Path) -> None:
    dist = context / "web" / "dist"
    seen = [read_placed(context, "web/dist", (), DIGESTS).sources]
    changes: list[Callable[[], object]] = [
        partial((dist / "index.html").write_text, "other"),
        partial((dist / "index.html").chmod, 0o755),
        (dist / "more").mkdir,
        partial((dist / "more" / "file").write_text, ""),
        (dist / "inside").unlink,
        partial((dist / "inside").symlink_to, "run"),
        partial((dist / "run").rename, dist / "start"),
    ]
    for change in changes:
        change()
        seen.append(read_placed(context, "web/dist", (), DIGESTS).sources)
    assert len(set(seen)) == len(seen)


def test_a_link_to_what_is_named_is_followed_inside_the_context(context: Path) -> None:
    (context / "site").symlink_to("web/dist")
    (context / "page").symlink_to("site/index.html")
    folder = read_placed(context, "site", (), DIGESTS).sources
    (page,) = read_placed(context, "page", (), DIGESTS).sources

    assert folder == read_placed(context, "web/dist", (), DIGESTS).sources
    assert (page.below, page.kind, Path(page.path).name) == ("", "file", "index.html")


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("missing", "'missing' is not in the context '{context}'; correct 'source'"),
        ("web/dist/outside", "'web/dist/outside' leads out of the context"),
        ("web/dist/absolute", "'web/dist/absolute' leads out of the context"),
        ("web/dist/.env", "'web/dist/.env' never goes into an image; mount it"),
        ("settings", "'settings' never goes into an image; mount it"),
        ("web/dist/empty", "there is no file in 'web/dist/empty'"),
        (".", "'.' is the context itself"),
        ("out", "'out' is a folder that this program writes to; name what is in it"),
        ("pipe", "'pipe' is neither a file nor a folder"),
    ],
)
def test_what_cannot_be_placed(context: Path, entry: str, said: str) -> None:
    (context / "settings").symlink_to("web/dist/.env")
    (context / "out").mkdir()
    os.mkfifo(context / "pipe")
    with pytest.raises(PlanError) as caught:
        read_placed(context, entry, [context / "out"], DIGESTS)

    assert str(caught.value).startswith(said.format(context=context))


def test_what_this_program_writes_stays_out_of_a_folder(context: Path) -> None:
    (context / "web" / "out").mkdir()
    (context / "web" / "out" / "web.oci.tar").write_text("")
    found = read_placed(context, "web", [context / "web" / "out"], DIGESTS)

    assert not [each for each in found.sources if each.below.startswith("out")]


def planned(files: str, *sources: tuple[PlacedSource, ...]) -> tuple[PlacedFile, ...]:
    spec = parse(f"version: 1\nimages:\n  web:\n    files: {files}\n", "buildspec.yaml")
    (target,) = all_targets(spec)
    base = PinnedBase(
        name="debian", source=DebianRelease("trixie"), digest="", platforms=frozenset()
    )
    known = TargetFacts(base, ContextFacts(Sources.of("/project", ())), files=sources)
    return placed_files(target, known, ("/data",))


def file(below: str = "", *, executable: bool = False) -> PlacedSource:
    return PlacedSource(below, f"/project/{below}", executable=executable)


FOLDER = PlacedSource("", "/project/dist", "folder")


@pytest.mark.parametrize(
    ("stated", "modes"),
    [
        ("", {"0755", "0644"}),
        (', mode: "0640"', {"0750", "0640"}),
        (", mode: '444'", {"0555", "444"}),
    ],
)
def test_folders_can_be_entered_by_who_may_read(stated: str, modes: set[str]) -> None:
    found = planned(f"[{{source: dist, target: /srv/www{stated}}}]", (FOLDER, file("a")))

    assert {each.mode for each in found} == modes
    assert [each.target for each in found] == ["/srv/www", "/srv/www/a"]


def test_a_program_stays_executable(context: Path) -> None:
    (found,) = planned("[{source: run, target: /opt/tool/run}]", (file(executable=True),))
    assert found.mode == "0755"


def test_the_last_entry_of_a_path_wins() -> None:
    found = planned(
        "[{source: dist, target: /srv/www}, {source: other, target: /srv/www/a, owner: '5'}]",
        (FOLDER, file("a")),
        (file(),),
    )
    assert [(each.target, each.owner) for each in found] == [
        ("/srv/www", "0:0"),
        ("/srv/www/a", "5:5"),
    ]


@pytest.mark.parametrize(
    ("files", "sources", "said"),
    [
        (
            "[{source: a, target: /srv/a}, {source: b, target: /srv/a/b}]",
            [(file(),), (file(),)],
            "buildspec.yaml:4:62: images.web.files.1.target: '/srv/a/b' would be in '/srv/a', "
            "which is a file; name another 'target'",
        ),
        (
            "[{source: dist, target: /srv/a}, {source: b, target: /srv/a/now/b}]",
            [(FOLDER, PlacedSource("now", "", "link", link="/etc")), (file(),)],
            "buildspec.yaml:4:65: images.web.files.1.target: '/srv/a/now/b' would be in "
            "'/srv/a/now', which is a link; name another 'target'",
        ),
        (
            "[{source: a, target: /data}]",
            [(file(),)],
            "buildspec.yaml:4:33: images.web.files.0.target: '/data' would be in '/data', which "
            "is a file; name another 'target'",
        ),
    ],
)
def test_nothing_is_placed_in_a_file_or_through_a_link(
    files: str, sources: list[tuple[PlacedSource, ...]], said: str
) -> None:
    with pytest.raises(PlanError) as caught:
        planned(files, *sources)

    assert str(caught.value) == said
