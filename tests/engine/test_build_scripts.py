"""The scripts that run inside a build, run under Pythons that images have: oldest to newest."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from zipfile import ZipFile

import pytest
import uv as uv_program

from nox_buildkit import render
from nox_buildkit.debian.provision import SuitePackage, provision
from nox_buildkit.render.stages.shared import FINISH
from tests.support.local_python import copy_python, local_pythons
from tests.support.real_parts import in_cache

SCRIPTS = Path(render.__file__).parent / "scripts"
#: Python → the suite of Debian's archive that has it.
SUITES = {"3.9": "bullseye", "3.11": "bookworm", "3.13": "trixie", "3.14": "testing"}
#: Pythons that no suite has, from this machine; tests/unit/render/test_scripts.py checks the
#: scripts for them on any machine.
LOCAL = local_pythons("3.10", "3.12")
MODULE = '''\
"""A docstring."""

COLOURS = {"red", "green", "blue", "cyan", "magenta", "yellow"}


def check(value):
    """Another docstring."""
    assert value in {"a", "b", "c", "d", "e", "f", "g"}
    return value
'''


CODE = b"def main(): print('here')\n"


@pytest.fixture(scope="module", params=[*SUITES, *LOCAL])
def root(request: pytest.FixtureRequest, engine_home: Path) -> Iterator[Path]:
    """The root of a file system with nothing but a Python and what it needs."""
    python: str = request.param
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "root")
        if python in LOCAL:
            copy_python(LOCAL[python], root)
        else:
            copy_of_suite(python, engine_home, root)
        shutil.copytree(SCRIPTS, root / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
        (root / "tmp").mkdir()
        yield root


def copy_of_suite(python: str, engine_home: Path, root: Path) -> None:
    """Unpack ``python`` of the suite that has it into ``root``."""
    names = (
        f"python{python}-minimal", f"libpython{python}-minimal", f"libpython{python}-stdlib",
        "libc6", "zlib1g", "libexpat1",
    )  # fmt: skip
    suite = SUITES[python]
    wanted = [SuitePackage(name, suite) for name in (*names, "libcrypt1")]
    with in_cache(engine_home):
        kept = provision(f"python{python}-root", [wanted], lambda _: None)
    shutil.copytree(kept, root, symlinks=True)
    for name in ("lib", "lib64"):
        # Suites since bookworm's successor have everything below /usr.
        if (root / "usr" / name).is_dir() and not (root / name).exists():
            (root / name).symlink_to(f"usr/{name}")
    (root / "usr/bin/python3").symlink_to(f"python{python}")


def run(
    root: Path, script: str, *arguments: str, options: Sequence[str] = (), **env: str
) -> subprocess.CompletedProcess[str]:
    """Run a script of a build in ``root``; ``options``: of Python."""
    command = ["chroot", str(root), "/usr/bin/python3", *options, f"/scripts/{script}", *arguments]
    path = "/usr/sbin:/usr/bin:/sbin:/bin"
    return subprocess.run(
        command, env={"PATH": path, **env}, capture_output=True, text=True, check=False
    )


def layer(root: Path, name: str, **env: str) -> dict[str, bytes]:
    """Finish a layer with one package in it; the byte code by path."""
    package = root / name / "opt/site-packages/demo"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(MODULE)
    words = FINISH.split()
    options = [word for word in words if word.startswith("-")]
    env |= dict(word.split("=") for word in words if "=" in word)
    done = run(root, "layer.py", f"/{name}", "/cache", options=options, **env)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    found = {path.name: path.read_bytes() for path in (root / name).rglob("*.pyc")}
    shutil.rmtree(root / name)
    return found


def test_byte_code_follows_from_its_source_and_the_python_alone(root: Path) -> None:
    [(name, plain)] = layer(root, "plain").items()
    assert b"Another docstring." in plain
    for number, variables in enumerate(
        (
            {"PYTHONOPTIMIZE": "2"},
            {"PYTHONHASHSEED": "7", "PYTHONNODEBUGRANGES": "1"},
            {"PYTHONHASHSEED": "8", "PYTHONPYCACHEPREFIX": "/elsewhere"},
        )
    ):
        shutil.rmtree(root / "cache")
        assert layer(root, f"other{number}", **variables) == {name: plain}
        # What that left in the cache is what another build takes.
        assert layer(root, f"after{number}") == {name: plain}


def test_an_entry_of_the_cache_that_was_altered_is_made_again(root: Path) -> None:
    expected = layer(root, "before")
    (entry,) = (root / "cache").iterdir()
    content = bytearray(entry.read_bytes())
    for damaged in (content[:-3], bytes(content[:40]) + bytes([content[40] ^ 1]) + content[41:]):
        entry.write_bytes(damaged)
        assert layer(root, "after") == expected
        assert entry.read_bytes() == content


def test_the_other_scripts_run(root: Path) -> None:
    inputs = root / "inputs"
    inputs.mkdir(exist_ok=True)
    (inputs / "motd").write_text("hello\n")
    description = {
        "user": "1000:1000",
        "directories": [{"path": "/data", "owner": "1000:1000"}],
        "files": [{"source": "motd", "target": "/etc/motd", "mode": "0644", "owner": "0:0"}],
        "time": 0,
    }
    (inputs / "surroundings.json").write_text(json.dumps(description))
    done = run(root, "surroundings.py", "/inputs/surroundings.json", "/", "/made")
    assert (done.returncode, done.stderr) == (0, "")
    assert (root / "made/etc/motd").read_text() == "hello\n"

    for name in ("passwd", "group"):
        (root / "etc").mkdir(exist_ok=True)
        (root / "etc" / name).write_text("root:x:0:0::/:\nheld:x:10001:0::/:")
    description["user"] = "web"
    description["directories"] = [{"path": "/data", "owner": "web"}]
    (inputs / "surroundings.json").write_text(json.dumps(description))
    done = run(root, "surroundings.py", "/inputs/surroundings.json", "/", "/named")
    said = "nox-buildkit: the base has no user 'web': one with the ID 10002 is made\n"
    assert (done.returncode, done.stderr) == (0, said)
    made = [
        (root / "named/etc" / name).read_text().splitlines()[-1] for name in ("passwd", "group")
    ]
    assert made == ["web:x:10002:10002::/nonexistent:/usr/sbin/nologin", "web:x:10002:"]
    status = (root / "named/data").stat()
    assert (status.st_uid, status.st_gid) == (10002, 10002)

    for account, uid, said in (
        ("app", 999, ""),
        ("held", 10001, ""),
        ("held", 999, "the base has a user 'held' with the ID 10001, not 999"),
        ("app", 10001, "the ID 10001 of 'app' belongs to the user 'held' of the base"),
    ):
        shutil.rmtree(root / "named")
        description |= {"account": account, "user": f"{uid}:{uid}", "directories": []}
        (inputs / "surroundings.json").write_text(json.dumps(description))
        done = run(root, "surroundings.py", "/inputs/surroundings.json", "/", "/named")
        assert done.stderr == (f"nox-buildkit: {said}\n" if said else "")
        (root / "named").mkdir(exist_ok=True)
        if not said:
            lines = (root / "named/etc/passwd").read_text().splitlines()
            assert [x.split(":")[:3] for x in lines if x.startswith(account)] == [
                [account, "x", str(uid)]
            ]

    for place in ("any/one-1-py3-none-any.whl", "here/one_x-1-cp3-cp3-linux.whl"):
        path = (
            root / "wheels" / place.partition("-")[0].rpartition("/")[2].replace("_", "-") / place
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    done = run(root, "made_wheels.py", "any", "/wheels", "one", "one-x")
    assert done.stdout == "one @ file:///wheels/one/any/one-1-py3-none-any.whl\n"
    # A package cannot bring the wheel of another one.
    (root / "wheels/one/any/requests-2.0-py3-none-any.whl").touch()
    done = run(root, "made_wheels.py", "any", "/wheels", "one")
    assert (done.returncode, done.stdout) == (1, "")
    shutil.rmtree(root / "wheels")

    (root / "scripts/prestart.json").write_text(json.dumps([["/usr/bin/python3", "-c", ""]]))
    # As in a container; nothing is mounted here.
    (root / "proc/self").mkdir(parents=True, exist_ok=True)
    (root / "proc/self/environ").write_bytes(b"LC_ALL=C\0")
    done = run(root, "prestart.py", "/usr/bin/python3", "-c", "print('started')")
    shutil.rmtree(root / "proc/self")
    assert (done.stdout, done.stderr) == ("started\n", "")


def test_folders_on_the_way_to_a_file_are_as_in_the_base(tmp_path: Path) -> None:
    base, layer = tmp_path / "base", tmp_path / "layer"
    (base / "home/me").mkdir(parents=True, mode=0o750)
    os.chown(base / "home/me", 1000, 100)
    (base / "srv/real").mkdir(parents=True)
    (base / "srv/link").symlink_to("real")
    file = {"source": "motd", "target": "/home/me/.config/motd", "mode": "0644", "owner": "0:0"}
    description: dict[str, object] = {
        "user": "0:0", "directories": [], "files": [file], "time": 0,
    }  # fmt: skip
    (tmp_path / "motd").write_text("hello\n")
    script = SCRIPTS / "surroundings.py"

    def place() -> subprocess.CompletedProcess[str]:
        (tmp_path / "surroundings.json").write_text(json.dumps(description))
        paths = (script, tmp_path / "surroundings.json", base, layer)
        command = [sys.executable, "-I", *map(str, paths)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    assert place().stderr == ""
    found = {
        name: (status.st_uid, status.st_gid, status.st_mode & 0o7777)
        for name in ("home/me", "home/me/.config")
        for status in [(layer / name).stat()]
    }
    assert found["home/me"] == (1000, 100, (base / "home/me").stat().st_mode & 0o7777)
    assert found["home/me/.config"][:2] == (0, 0)

    shutil.rmtree(layer)
    file["target"] = "/srv/link/motd"
    assert "'/srv/link' is a link to real in the base" in place().stderr


def test_an_environment_is_looked_after(root: Path) -> None:
    venv = root / "venv"
    packages = venv / "lib/python3/site-packages"
    (venv / "bin").mkdir(parents=True)
    for name in ("activate", "python"):
        (venv / "bin" / name).touch()
    assert run(root, "environment.py", "made", "/venv").stderr == ""

    info = packages / "demo-1.0.dist-info"
    info.mkdir(parents=True)
    (packages / "demo.py").write_bytes(CODE)
    (info / "RECORD").write_text("demo.py,,\n../../../bin/demo,,\ndemo-1.0.dist-info/RECORD,,\n")
    (venv / "bin/demo").touch()
    assert run(root, "environment.py", "strip", "/venv").stderr == ""
    assert sorted(path.name for path in (venv / "bin").iterdir()) == ["demo", "python"]
    shutil.rmtree(venv)


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """A virtual environment as uv makes it, with a package that brings programs of many names."""
    venv = tmp_path / "venv"
    uv("venv", "--quiet", "--python", sys.executable, str(venv))
    script("made", venv)
    wheel = tmp_path / "demo-1.0-py3-none-any.whl"
    programs = ("python-argcomplete-check", "pythonic", "activate-me", "demo")
    with ZipFile(wheel, "w") as file:
        info = "demo-1.0.dist-info"
        file.writestr("demo.py", CODE)
        file.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n")
        tag = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        file.writestr(f"{info}/WHEEL", tag)
        points = "".join(f"{name} = demo:main\n" for name in programs)
        file.writestr(f"{info}/entry_points.txt", f"[console_scripts]\n{points}")
        digest = base64.urlsafe_b64encode(hashlib.sha256(CODE).digest()).rstrip(b"=").decode()
        rest = (f"{info}/{n},,\n" for n in ("METADATA", "WHEEL", "entry_points.txt", "RECORD"))
        file.writestr(f"{info}/RECORD", f"demo.py,sha256={digest},{len(CODE)}\n" + "".join(rest))
    uv("pip", "install", "--quiet", "--python", str(venv), "--no-deps", str(wheel))
    return venv


def uv(*arguments: str) -> None:
    subprocess.run([uv_program.find_uv_bin(), *arguments], check=True)


def script(*arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, "-I", SCRIPTS / "environment.py", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_programs_of_packages_stay_whatever_their_names(environment: Path) -> None:
    script("strip", environment)
    names = {path.name for path in (environment / "bin").iterdir()}
    assert names >= {"python", "python-argcomplete-check", "pythonic", "activate-me", "demo"}
    assert not names & {"activate", "activate.fish", "deactivate.bat", "pydoc.bat"}
    assert not list(environment.rglob("_virtualenv*"))
    done = subprocess.run(
        [environment / "bin/python-argcomplete-check"], capture_output=True, check=False
    )
    assert done.stdout == b"here\n"


def test_an_environment_that_another_layer_has_keeps_programs_of_packages(
    environment: Path,
) -> None:
    script("strip", environment, "all")
    names = {path.name for path in (environment / "bin").iterdir()}
    assert names == {"python-argcomplete-check", "pythonic", "activate-me", "demo"}
    assert not (environment / "pyvenv.cfg").exists()


def test_what_is_placed_replaces_what_is_below_it_and_never_follows_a_link(root: Path) -> None:
    inputs = root / "placed"
    taken = inputs / "image"
    (taken / "deep").mkdir(parents=True)
    for name, mode in (("motd", 0o600), ("deep/tool", 0o4755)):
        (taken / name).write_text("theirs\n")
        (taken / name).chmod(mode)
    (taken / "etc").symlink_to("/etc")
    (inputs / "ours").write_text("ours\n")
    image = {"taken": "/placed/image", "target": "/data", "owner": "0:7"}
    ours = {"source": "ours", "target": "/data/motd", "mode": "0640", "owner": "0:0"}

    def placed(*files: dict[str, str]) -> subprocess.CompletedProcess[str]:
        description = {
            "user": "1000:1000",
            "directories": [{"path": "/data/deep", "owner": "1000:1000"}],
            "files": files,
            "time": 0,
        }
        (inputs / "surroundings.json").write_text(json.dumps(description))
        shutil.rmtree(root / "laid", ignore_errors=True)
        return run(root, "surroundings.py", "/placed/surroundings.json", "/", "/laid")

    done = placed(image, ours)
    assert (done.returncode, done.stderr) == (0, "")
    found = {
        path.relative_to(root / "laid/data").as_posix(): path.lstat()
        for path in (root / "laid/data").rglob("*")
    }
    # A folder of the user stays one, whatever is placed in it.
    owners = {name: (status.st_uid, status.st_gid) for name, status in found.items()}
    assert owners == {"deep": (1000, 1000), "deep/tool": (0, 7), "etc": (0, 7), "motd": (0, 0)}
    modes = {name: status.st_mode & 0o7777 for name, status in found.items()}
    assert (modes["deep/tool"], modes["motd"]) == (0o755, 0o640)
    assert (root / "laid/data/motd").read_text() == "ours\n"
    assert (root / "laid/data/etc").readlink() == Path("/etc")
    assert {status.st_mtime for status in found.values()} == {0}

    done = placed({**image, "mode": "0444", "folder_mode": "0555"})
    assert (root / "laid/data/motd").stat().st_mode & 0o777 == 0o444
    assert (root / "laid/data").stat().st_mode & 0o777 == 0o555

    done = placed(image, {**ours, "target": "/data/etc/passwd"})
    said = "nox-buildkit: a file would be in '/data/etc', which is no folder\n"
    assert (done.returncode, done.stderr) == (1, said)
    done = placed(image, {**ours, "target": "/data/deep"})
    said = "nox-buildkit: a file would take the place of the folder '/data/deep'\n"
    assert (done.returncode, done.stderr) == (1, said)
