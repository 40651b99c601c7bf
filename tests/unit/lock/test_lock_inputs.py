"""What makes a committed lock stale, and how a lock that was changed is told from one that fits."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from nox_buildkit.buildspec.reading.load import parse
from nox_buildkit.errors import Code, LockError
from nox_buildkit.lock.compile import check_lock, compile_lock
from nox_buildkit.lock.lock_inputs import inputs_digest
from nox_buildkit.lock.lock_state import state_of
from nox_buildkit.lock.requirement_sets import sources_of
from nox_buildkit.lock.source import Source, kind_of
from tests.support.codes import coded

STATIC = '[project]\nname = "{name}"\nversion = "1.0"\ndependencies = [{dependencies}]\n'


def source(path: Path) -> Source:
    return Source(path, path.parent / "requirements.lock", kind_of(path), "3.13")


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


DYNAMIC = '[project]\nname = "a"\nversion = "1.0"\ndynamic = ["dependencies"]\n'


@pytest.mark.parametrize(
    ("files", "changed"),
    [
        (
            {
                "pyproject.toml": DYNAMIC
                + '[tool.setuptools.dynamic]\ndependencies = {file = ["deps/base.txt"]}\n'
            },
            "deps/base.txt",
        ),
        (
            {
                "pyproject.toml": DYNAMIC
                + '[tool.hatch.metadata.hooks.requirements_txt]\nfiles = ["listed.txt"]\n'
            },
            "listed.txt",
        ),
        (
            {
                "pyproject.toml": DYNAMIC,
                "setup.py": "setup(install_requires=open('needs.txt').read().split())\n",
            },
            "needs.txt",
        ),
        ({"pyproject.toml": DYNAMIC}, "setup.cfg"),
        ({"pyproject.toml": DYNAMIC}, "setup.py"),
        ({"pyproject.toml": DYNAMIC, "setup.py": "read()\n"}, "requirements.txt"),
        (
            {
                "pyproject.toml": STATIC.format(name="a", dependencies='"b"')
                + '[tool.uv.sources]\nb = {path = "libs/b"}\n'
            },
            "libs/b/pyproject.toml",
        ),
        (
            {
                "pyproject.toml": STATIC.format(name="a", dependencies='"b @ file:libs/b"'),
                "libs/b/pyproject.toml": STATIC.format(name="b", dependencies='"c"')
                + '[tool.uv.sources]\nc = {path = "../c", editable = true}\n',
            },
            "libs/c/pyproject.toml",
        ),
        (
            {
                "pyproject.toml": STATIC.format(name="a", dependencies='"b"')
                + '[tool.uv.sources]\nb = {path = "libs/b"}\n',
                "libs/b/pyproject.toml": DYNAMIC
                + '[tool.setuptools.dynamic]\ndependencies = {file = "needs.txt"}\n',
            },
            "libs/b/needs.txt",
        ),
        (
            {
                "pyproject.toml": STATIC.format(name="a", dependencies='"b"')
                + '[tool.uv.sources]\nb = {workspace = true}\n'
                '[tool.uv.workspace]\nmembers = ["members/*"]\n',
            },
            "members/b/pyproject.toml",
        ),
        (
            {"requirements.in": "-r more/all.in\n", "more/all.in": "-e ./lib\n"},
            "lib/pyproject.toml",
        ),
        ({"requirements.in": "-e ./lib[dev]\n"}, "lib/pyproject.toml"),
        ({"requirements.in": "./lib[dev]\n"}, "lib/pyproject.toml"),
        ({"requirements.in": "-e .[dev]\n"}, "pyproject.toml"),
        ({"requirements.in": "-e lib\n"}, "lib/pyproject.toml"),
        ({"requirements.in": "libs2/shared\n"}, "libs2/shared/pyproject.toml"),
        ({"requirements.in": "b @ file:${PROJECT_ROOT}/lib\n"}, "lib/pyproject.toml"),
        (
            {
                "pyproject.toml": STATIC.format(
                    name="a", dependencies='"b @ file:///${PROJECT_ROOT}/libs/b"'
                )
            },
            "libs/b/pyproject.toml",
        ),
        (
            {
                "uv.lock": 'version = 1\n\n[[package]]\nname = "a"\nversion = "1.0"\n'
                'source = { virtual = "." }\n',
                "pyproject.toml": DYNAMIC
                + '[tool.setuptools.dynamic]\ndependencies = {file = ["needs.txt"]}\n',
            },
            "needs.txt",
        ),
    ],
)  # fmt: skip
def test_what_a_project_reads_elsewhere_makes_its_lock_stale(
    tmp_path: Path, files: dict[str, str], changed: str
) -> None:
    own = changed.endswith("pyproject.toml")
    text = STATIC.format(name="b", dependencies='"idna"') if own else "idna\n"
    write(tmp_path, {**files, changed: text})
    found = source(tmp_path / next(n for n in ("uv.lock", "requirements.in", "pyproject.toml")
                                   if n in files))  # fmt: skip
    before = inputs_digest(found)

    assert inputs_digest(found) == before
    write(tmp_path, {changed: text.replace("idna", "idna>=3")})
    assert inputs_digest(found) != before


CONSTRAINED = 'constraint-dependencies = ["idna<4"]\n'


@pytest.mark.parametrize("name", ["pyproject.toml", "requirements.in", "setup.py"])
@pytest.mark.parametrize("place", ["", "../"])
@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ("uv.toml", CONSTRAINED),
        ("uv.toml", f"[pip]\n{CONSTRAINED}"),
        ("pyproject.toml", f"[tool.uv]\n{CONSTRAINED}"),
    ],
)
def test_settings_of_uv_make_a_lock_stale(
    tmp_path: Path, name: str, place: str, settings: str, text: str
) -> None:
    if place + settings == name:
        text = STATIC.format(name="a", dependencies="") + text
    folder = tmp_path / "project"
    write(folder, {name: STATIC.format(name="a", dependencies="") if "py" in name else "idna\n"})
    plain = inputs_digest(source(folder / name))
    write(folder, {f"{place}{settings}": text})
    digest = inputs_digest(source(folder / name))
    assert digest != plain
    write(folder, {f"{place}{settings}": text.replace("<4", "<3")})
    assert inputs_digest(source(folder / name)) != digest
    # The nearest counts.
    if place:
        write(folder, {"uv.toml": ""})
        assert inputs_digest(source(folder / name)) == plain


@pytest.mark.parametrize("line", ["9" * 999, f"./{'9' * 999}", f"-e {'9' * 999}", "a/\0", "./\0"])
def test_what_can_be_no_path_is_none(tmp_path: Path, line: str) -> None:
    write(tmp_path, {"requirements.in": f"{line}\n"})
    assert inputs_digest(source(tmp_path / "requirements.in"))


def test_settings_of_the_machine_alone_leave_a_lock_alone(tmp_path: Path) -> None:
    write(tmp_path, {"requirements.in": "idna\n"})
    found = source(tmp_path / "requirements.in")
    before = inputs_digest(found)
    write(tmp_path, {"uv.toml": 'native-tls = true\nindex-url = "https://mirror.example"\n'})
    assert inputs_digest(found) == before


def test_what_decides_no_requirement_leaves_the_lock_alone(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "pyproject.toml": DYNAMIC
            + '[tool.setuptools.dynamic]\ndependencies = {file = ["needs.txt"]}\n'
            'readme = {file = "about.txt"}\n[tool.uv.sources]\nb = {path = "b"}\n',
            "needs.txt": "idna\n",
            "about.txt": "first\n",
            "b/pyproject.toml": STATIC.format(name="b", dependencies=""),
            "b/b.py": "first\n",
        },
    )
    found = source(tmp_path / "pyproject.toml")
    before = inputs_digest(found)

    write(
        tmp_path,
        {
            "about.txt": "second\n",
            "b/b.py": "second\n",
            "requirements.txt": "# Locked by nox-buildkit from pyproject.toml\n",
        },
    )
    assert inputs_digest(found) == before


def test_projects_that_require_each_other_by_path(tmp_path: Path) -> None:
    for name, other in (("a", "b"), ("b", "a")):
        text = STATIC.format(name=name, dependencies=f'"{other}"')
        sources = f'[tool.uv.sources]\n{other} = {{path = "../{other}"}}\n'
        write(tmp_path, {f"{name}/pyproject.toml": text + sources})

    assert inputs_digest(source(tmp_path / "a" / "pyproject.toml"))


@pytest.fixture
def locked(tmp_path: Path) -> Source:
    """Requirements and their lock, of packages in a folder."""
    write(tmp_path, {"requirements.in": "first\nsecond\n"})
    links = tmp_path / "wheels"
    links.mkdir()
    for name in ("first", "second"):
        _wheel(links, name)
    found = replace(source(tmp_path / "requirements.in"), find_links=(links,))
    compile_lock(found)
    return found


def _wheel(folder: Path, name: str) -> None:
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
        info = f"{name}-1.0.dist-info"
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


def test_a_lock_that_lost_a_pin_is_found_out_and_made_whole(locked: Source) -> None:
    whole = locked.output.read_text()
    assert state_of(locked) == "fresh"
    begin = whole.index("second==")
    locked.output.write_text(whole[:begin])

    assert state_of(locked) == "altered"
    checked = check_lock(locked)
    assert checked.altered
    assert any(line.startswith("+second==1.0") for line in checked.changes)
    assert locked.output.read_text() == whole[:begin]
    assert compile_lock(locked).written
    assert locked.output.read_text() == whole


@pytest.mark.parametrize("change", ["hash", "conflict", "header", "text"])
def test_a_lock_that_was_changed_is_never_taken_for_fresh(locked: Source, change: str) -> None:
    whole = locked.output.read_text()
    digit = whole.index("--hash=sha256:") + len("--hash=sha256:")
    other = "0" if whole[digit] != "0" else "1"
    locked.output.write_text(
        {
            "hash": whole[:digit] + other + whole[digit + 1 :],
            "conflict": f"<<<<<<< HEAD\n{whole}=======\n{whole}>>>>>>> other\n",
            "header": whole.replace("# body:", "# nobody:"),
            "text": f"{whole}# a remark\n",
        }[change]
    )

    assert state_of(locked) in ("altered", "stale")
    compile_lock(locked)
    assert locked.output.read_text() == whole


def test_a_lock_that_would_be_a_folder(tmp_path: Path) -> None:
    write(tmp_path, {"requirements.in": "idna\n", "requirements.lock/file": ""})
    spec = parse("version: 1\nimages:\n  a:\n    base: slim\n", "buildspec.yaml")

    with (
        pytest.raises(LockError, match=r"^buildspec\.yaml:4:5: images\.a: .*lock is a folder"),
        coded(Code.LOCK_TARGET),
    ):
        sources_of(spec, tmp_path)


@pytest.mark.parametrize("name", ["pyproject.toml", "requirements.in"])
def test_a_folder_by_uvs_variable_is_locked_where_it_lies(tmp_path: Path, name: str) -> None:
    line = "lib @ file:///${PROJECT_ROOT}/lib"
    text = STATIC.format(name="a", dependencies=f'"{line}"') if name != "requirements.in" else line
    write(tmp_path, {name: text, "lib/pyproject.toml": STATIC.format(name="lib", dependencies="")})
    found = source(tmp_path / name)
    compile_lock(found)

    assert "\n./lib\n" in found.output.read_text()


def test_a_lock_names_no_folder_of_the_machine(tmp_path: Path) -> None:
    _wheel(tmp_path, "first")
    _wheel(tmp_path, "second")
    limits = {"constraints.txt": "first<2\n", "limits/over rides.txt": "second<2\n"}
    write(tmp_path, {"app/requirements.in": "first\nsecond\n", **limits})
    constraints, overrides = (tmp_path / name for name in limits)
    plain = source(tmp_path / "app" / "requirements.in")
    given = replace(
        plain, find_links=(tmp_path,), constraints=(constraints,), overrides=(overrides,)
    )
    compile_lock(given)
    text = given.output.read_text()
    assert "-c ../constraints.txt\n" in text
    assert "--override ../limits/over rides.txt\n" in text
    assert str(tmp_path) not in text
