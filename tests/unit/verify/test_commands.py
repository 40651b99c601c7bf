"""What is said of an image whose command cannot start, from its layers."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from nox_buildkit.oci.root_file_system import Tree
from nox_buildkit.verify.commands import syntax_problem, unstartable


def _layer(path: Path, files: Mapping[str, tuple[int, str]]) -> Path:
    """A layer of files by name: mode, and where a link leads."""
    with tarfile.open(path, "w:gz") as tar:
        for name, (mode, link) in files.items():
            member = tarfile.TarInfo(name)
            member.mode, member.linkname = mode, link
            member.type = tarfile.SYMTYPE if link else tarfile.REGTYPE
            tar.addfile(member, io.BytesIO())
    return path


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    monkeypatch.setenv("NOX_BUILDKIT_CACHE", str(tmp_path / "cache"))
    base = {
        "bin": (0o777, "usr/bin"),
        "usr/bin/python3": (0o777, "python3.13"),
        "usr/bin/python3.13": (0o755, ""),
        "usr/bin/gone": (0o755, ""),
        "usr/bin/loop": (0o777, "loop"),
        "usr/bin/sh": (0o755, ""),
        "usr/lib/python3.13/http/server.py": (0o644, ""),
        "usr/lib/python3.13/http/__init__.py": (0o644, ""),
    }
    own = {
        "usr/bin/.wh.gone": (0o644, ""),
        "opt/venv/bin/uvicorn": (0o755, ""),
        "opt/venv/lib/python3.13/site-packages/fast.cpython-313-x86_64-linux-gnu.so": (0o755, ""),
        "app/shop/__init__.py": (0o644, ""),
        "app/shop/main.py": (0o644, ""),
        "app/run.sh": (0o644, ""),
        "app/start": (0o755, ""),
    }
    return Tree([_layer(tmp_path / "base", base), _layer(tmp_path / "own", own)])


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("/bin/python3 -u -W error -m http.server", ""),
        ("python3 shop/main.py", ""),
        ("python3 -c $PORT", "'$PORT' in 'command' stays"),
        ("python3 -Im shop.main", ""),
        ("python3 -m fast", ""),
        ("python3 -m shop", "'shop' cannot be run with -m: the package has no __main__.py"),
        ("python3 -m shop.gone", "no module 'shop.gone' is in the image"),
        ("python3 -X dev gone.py", "'gone.py', which Python is to run, is not in the image"),
        ("uvicorn --reload-dir x:y shop.main:app", ""),
        ("uvicorn shop.mian:app", "no module 'shop.mian' is in the image, which 'shop.mian:app'"),
        ("python3 -m uvicorn shop.mian:app", "no module 'uvicorn' is in the image"),
        ("gone", "'gone', which it starts, is not in the image: nothing on its PATH"),
        ("loop", "'loop', which it starts, is not in the image"),
        ("./run.sh", "'./run.sh', which it starts, is not executable; run 'chmod +x'"),
        ("start $HOME", "'start', which it starts, is not in the image"),
        ("/app/start $PORT", "'$PORT' in 'command' stays as it is, since no shell reads it; write"),
        ("/app/start ${PORT}", ""),
        ("/app/start $$PORT", ""),
        ("${SERVER} app", ""),
        ("sh -c $PORT", ""),
    ],
)
def test_what_a_command_starts_has_to_be_there(tree: Tree, command: str, said: str) -> None:
    config = {"WorkingDir": "/app", "Env": ["PATH=/opt/venv/bin:/usr/bin:/bin"]}

    found = list(unstartable(tree, config, command.split()))

    assert [finding.sentence[: len(said)] for finding in found[:1]] == ([said] if said else [])


@pytest.mark.parametrize(
    ("command", "variables", "said"),
    [
        ("uvicorn shop.main:app", "", "Python does not look for 'shop.main' in /app/src; write "),
        ("python3 -m shop.main", "", "Python does not look for 'shop.main' in /app/src; write "),
        ("uvicorn shop.main:app", "PYTHONPATH=/app/src", ""),
        ("uvicorn shop.main:app", "PYTHONPATH=src", ""),
        ("uvicorn --app-dir src shop.main:app", "", ""),
        ("python3 -m http.server", "", ""),
        ("uvicorn installed.main:app", "", ""),
        ("uvicorn here:app", "", ""),
    ],
)
def test_modules_have_to_be_where_python_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, variables: str, said: str
) -> None:
    monkeypatch.setenv("NOX_BUILDKIT_CACHE", str(tmp_path / "cache"))
    site = "opt/venv/lib/python3.13/site-packages"
    files = {
        "usr/bin/python3": (0o755, ""),
        "usr/lib/python3.13/http/server.py": (0o644, ""),
        "opt/venv/bin/uvicorn": (0o755, ""),
        f"{site}/_virtualenv.pth": (0o644, ""),
        f"{site}/installed/main.py": (0o644, ""),
        "app/src/shop/__init__.py": (0o644, ""),
        "app/src/shop/main.py": (0o644, ""),
        "app/here.py": (0o644, ""),
    }
    config = {"WorkingDir": "/app", "Env": ["PATH=/opt/venv/bin:/usr/bin", variables]}
    tree = Tree([_layer(tmp_path / "one", files)])
    found = [finding.sentence for finding in unstartable(tree, config, command.split())]
    assert [sentence[: len(said)] for sentence in found] == ([said] if said else [])
    # A file in the environment may add any folder.
    tree = Tree([_layer(tmp_path / "two", {**files, f"{site}/own.pth": (0o644, "")})])
    assert not list(unstartable(tree, config, command.split()))


def test_a_finding_names_the_word(tree: Tree) -> None:
    config = {"WorkingDir": "/app", "Env": ["PATH=/usr/bin"]}

    for command, word in (
        (["gone"], 0),
        (["python3", "-X", "dev", "gone.py"], 3),
        (["python3", "-m", "shop.gone"], 2),
        (["/app/start", "--port", "$PORT"], 2),
    ):
        assert [finding.word for finding in unstartable(tree, config, command)] == [word]


def test_a_syntax_error_has_its_line() -> None:
    said = syntax_problem("app/main.py", b"import os\n\nprint(os.name\n", "3.13")
    assert said == "app/main.py:3: SyntaxError: '(' was never closed; correct it"
    # What this Python accepts, and an older one does not, as far as the parser knows.
    said = syntax_problem("app/main.py", b"match 1:\n    case 1: pass\n", "3.9")
    assert said.startswith("app/main.py:2: SyntaxError: Pattern matching is only")
    said = syntax_problem("app/main.py", b"x = 1\n", "3.13")
    assert said == (
        "app/main.py: Python 3.13 cannot compile it; find the mistake with "
        "'python3.13 -m py_compile app/main.py'"
    )
