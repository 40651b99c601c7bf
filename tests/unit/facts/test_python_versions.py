"""Which Python an image has where its spec does not say, and what contradicts what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from nox_buildkit.buildspec.reading.load import parse
from nox_buildkit.errors import Code, LockError
from nox_buildkit.facts.python_versions import with_pythons
from nox_buildkit.lock.uvlock import changed_pythons
from tests.support.codes import coded

LOCK = 'version = 1\nrequires-python = "PYTHON"\n\n[[package]]\nname = "a"\nversion = "1"\n' + (
    'source = { virtual = "." }\n'
)


def project(root: Path, python: str | None, version: str | None = None) -> None:
    requires = f'requires-python = "{python}"\n' if python is not None else ""
    text = f'[project]\nname = "a"\nversion = "1"\n{requires}dependencies = []\n'
    (root / "pyproject.toml").write_text(text)
    if version:
        (root / ".python-version").write_text(version)


def chosen(root: Path, image: str) -> str:
    spec = parse(f"version: 1\nimages:\n  web: {image}\n", "buildspec.yaml")
    return with_pythons(spec, root)[0].images["web"].python


@pytest.mark.parametrize(
    ("python", "version", "image", "expected"),
    [
        (None, None, "{}", "3.13"),
        (None, None, "{base: 'python:3.12-slim'}", "3.12"),
        (">=3.11", None, "{base: slim}", "3.14"),
        (">=3.11", None, "{base: debian}", "3.13"),
        # Of a release that is still to come.
        (">=3.14", None, "{base: debian}", "3.14"),
        ("==3.12.*", None, "{base: slim}", "3.12"),
        (">=3.10,<3.12", None, "{base: debian}", "3.11"),
        ("<=3.12", None, "{base: slim}", "3.11"),
        (">=3.12.4,<3.13", None, "{base: slim}", "3.12"),
        ("==3.12.7", None, "{base: slim}", "3.12"),
        (">=3.11", "3.12\n", "{base: slim}", "3.12"),
        (None, "# ours\ncpython-3.11.4\n", "{base: debian}", "3.11"),
        (None, "pypy3.10\n", "{base: debian}", "3.13"),
        (">=3.11", "3.12\n", "{base: debian, python: '3.11'}", "3.11"),
        (">=3.12", None, "{base: localhost:5000/own}", "3.13"),
        ("<3.13", None, "{base: localhost:5000/own}", "3.12"),
        ("==3.12.*", None, "{base: debian, requirements: none, copy: []}", "3.13"),
    ],
)
def test_the_newest_python_that_project_and_base_allow(
    tmp_path: Path, python: str | None, version: str | None, image: str, expected: str
) -> None:
    project(tmp_path, python, version)

    assert chosen(tmp_path, image) == expected


@pytest.mark.parametrize(
    ("python", "version", "image", "said"),
    [
        (
            "==3.12.*",
            None,
            "{base: slim, python: '3.13'}",
            "buildspec.yaml:3:29: images.web.python: the image is for Python 3.13, and "
            "pyproject.toml:4:19 says requires-python '==3.12.*'; set it to '3.12'",
        ),
        (
            "==3.12.*",
            None,
            "{base: debian}",
            "buildspec.yaml:3:15: images.web.base: base 'debian' has Python 3.13 and 3.11 "
            "and 3.14, and pyproject.toml:4:19 says requires-python '==3.12.*'; "
            "take base 'slim', which has Python 3.12",
        ),
        (
            None,
            "3.12",
            "{base: debian}",
            "ROOT/.python-version:1:1: Python 3.12, and base 'debian' has 3.13 and 3.11 and 3.14; "
            "take another base, or state 'python' for the image",
        ),
        (
            ">=3.13",
            "\n3.12",
            "{base: slim}",
            "ROOT/.python-version:2:1: Python 3.12, and "
            "pyproject.toml:4:19 says requires-python '>=3.13'; set it to '3.14'",
        ),
    ],
)
def test_a_contradiction_is_told_at_its_place_with_the_value_to_write(
    tmp_path: Path, python: str | None, version: str | None, image: str, said: str
) -> None:
    project(tmp_path, python, version)

    with pytest.raises(LockError) as caught, coded(Code.PYTHON_VERSION):
        chosen(tmp_path, image)
    assert str(caught.value) == said.replace("ROOT", str(tmp_path))


def test_why_is_told(tmp_path: Path) -> None:
    project(tmp_path, ">=3.11")
    spec = parse("version: 1\nimages: {web: {base: debian}}", "buildspec.yaml")

    assert with_pythons(spec, tmp_path)[1]["web"].why == (
        "the newest that pyproject.toml:4:19 (requires-python '>=3.11') and base 'debian' allow"
    )


def test_an_image_on_another_has_its_python(tmp_path: Path) -> None:
    project(tmp_path, "==3.12.*")
    spec = parse(
        "version: 1\nimages:\n  a: {base: 'target:b'}\n  b: {base: slim}\n", "buildspec.yaml"
    )
    found = with_pythons(spec, tmp_path)[0]

    assert {image.python for image in found.images.values()} == {"3.12"}
    stated = parse(
        "version: 1\nimages:\n  a: {base: 'target:b', python: '3.13'}\n  b: {base: slim}\n",
        "buildspec.yaml",
    )
    with pytest.raises(LockError, match=r"^buildspec\.yaml:3:33: images\.a\.python: 'b', which"):
        with_pythons(stated, tmp_path)


def test_a_uv_lock_decides_and_is_named(tmp_path: Path) -> None:
    project(tmp_path, ">=3.14")
    (tmp_path / "uv.lock").write_text(LOCK.replace("PYTHON", ">=3.14"))

    assert chosen(tmp_path, "{}") == "3.14"
    with pytest.raises(LockError, match=r"yaml:3:17: .*uv\.lock:2:19 .*; set it to '3\.14'"):
        chosen(tmp_path, "{python: '3.13'}")


@pytest.mark.parametrize(
    ("locked", "stated", "stale"),
    [
        (">=3.11", ">=3.11", False),
        (">=3.11, <4", "~=3.11", False),
        (">=3.11, <3.14", "<3.14,>=3.11", False),
        (">=3.11", ">=3.12", True),
        (">=3.11", "==3.12.*", True),
        (">=3.11", ">=3.11.2", True),
    ],
)
def test_a_uv_lock_of_other_pythons_than_its_project_is_stale(
    tmp_path: Path, locked: str, stated: str, stale: bool
) -> None:
    project(tmp_path, stated)
    (tmp_path / "uv.lock").write_text(LOCK.replace("PYTHON", locked))

    said = [str(problem) for problem in changed_pythons(tmp_path / "uv.lock")]
    place = f"{tmp_path}/pyproject.toml:4:19: project.requires-python"
    cause = f"uv.lock was made for Python '{locked}'; run 'uv lock' and commit it"
    assert said == ([f"{place}: {cause}"] if stale else [])
