"""Credentials of indexes, wherever they stand, let the steps in and are written nowhere."""

from __future__ import annotations

import shlex
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.oci import ImageIndex
from tests.support.package_index import PackageIndex, new_version, serve
from tests.support.project import Done, Project

#: Whatever a shell, a URL or a netrc file reads in another way; and what is looked for.
MARKER = "marker-of-the-index"
SECRET = f"{MARKER} #\"'\\ $HOME@/:%s"
SITE = "opt/venv/lib/python3.13/site-packages"
QUOTED = SECRET.replace("\\", "\\\\").replace('"', '\\"')


@pytest.fixture
def private(project: Project) -> Iterator[tuple[PackageIndex, str]]:
    """An index that asks for a password, with packages that no build has seen; their version."""
    project.env |= {"UV_HTTP_RETRIES": "0", "NETRC": "/dev/null"}
    with serve(PackageIndex(login=("me", SECRET))) as index:
        version = new_version()
        index.add("gear", version)
        index.add_native("rapid", version)
        yield index, version


def requirements(project: Project, version: str, index: str = "", extra: str = "") -> None:
    """Let the project need two packages of the private index, which a set may name."""
    stated = f"    index: {index}\n" if index else ""
    project.write(
        {
            "requirements.in": f"{extra}gear=={version}\nrapid=={version}\n",
            "buildspec.yaml": (
                "version: 1\nrequirements:\n  all:\n    source: requirements.in\n"
                f"{stated}images:\n  web: {{base: debian, requirements: all}}\n"
            ),
        }
    )


def netrc(folder: Path, text: str) -> str:
    """A netrc file; its path."""
    path = folder / "netrc"
    path.write_text(f"machine other.example.com login nobody password elsewhere-marker\n{text}\n")
    return str(path)


def keyring(folder: Path, service: str, user: str = "me", password: str = SECRET) -> str:
    """A PATH with a program that speaks as keyring does; it notes how it was called."""
    program = folder / "bin" / "keyring"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\necho "$@" >> {shlex.quote(str(folder / "asked"))}\n'
        f'[ "$*" = {shlex.quote(f"get {service} {user}")} ] || exit 1\n'
        f"printf '%s\\n' {shlex.quote(password)}\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return str(program.parent)


def check_built(project: Project, done: Done) -> None:
    """The packages are in the image, and the password in nothing that was written or said."""
    image = ImageIndex.open(project.tar)
    written = list(image.archive.values())
    for platform in image.platforms.values():
        names = set(platform.own_names)
        assert {f"{SITE}/gear/__init__.py", f"{SITE}/rapid/__init__.py"} <= names
        written += [platform.unpacked(layer) for layer in platform.own_layers]
    cache = Path(project.env["NOX_BUILDKIT_CACHE"])
    folders = [project.root, *(cache / name for name in ("pylock", "coverage", "wheels"))]
    folders += (cache / "projects").glob(f"{project.root.name}-*")
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert [path for path in files if path.name == "web.Dockerfile"]
    written += [path.read_bytes() for path in files]
    written += [
        said.encode()
        for each in (done, project.ok("plan", "--json"), project.ok("build"))
        for said in (each.stdout, each.stderr)
    ]
    for content in written:
        assert MARKER.encode() not in content
        assert b"elsewhere-marker" not in content


def test_a_netrc_file_lets_the_steps_in(
    project: Project, private: tuple[PackageIndex, str], tmp_path: Path
) -> None:
    index, version = private
    index.add_pure_sdist("sourceonly", version)
    requirements(project, version, index.url, f"sourceonly=={version}\n")
    del project.env["UV_DEFAULT_INDEX"]
    assert "name its host in ~/.netrc" in project.nox("lock").cause
    project.env["NETRC"] = netrc(tmp_path, f'machine 127.0.0.1 login me password "{QUOTED}"')
    check_built(project, project.ok("build", "--verbose"))


def test_an_index_without_a_name_and_a_file_at_an_address(
    project: Project, private: tuple[PackageIndex, str], tmp_path: Path
) -> None:
    index, version = private
    file = f"{index.url.replace('/simple/', '/files/')}plate-{version}-py3-none-any.whl"
    index.add("plate", version)
    requirements(project, version, extra=f"--extra-index-url {index.url}\nplate @ {file}\nplain\n")
    project.env["NETRC"] = netrc(tmp_path, f'default login me password "{QUOTED}"')
    check_built(project, project.ok("build", "--verbose"))


@pytest.mark.parametrize("named", [True, False])
def test_a_keyring_lets_the_steps_in(
    project: Project, private: tuple[PackageIndex, str], tmp_path: Path, named: bool
) -> None:
    index, version = private
    host = index.url.split("/")[2]
    if named:
        # By the whole address, to which uv comes first.
        requirements(project, version, index.url)
        del project.env["UV_DEFAULT_INDEX"]
        project.env["UV_INDEX_ALL_USERNAME"] = "me"
        path = keyring(tmp_path, index.url)
    else:
        requirements(project, version)
        project.env["UV_DEFAULT_INDEX"] = index.url.replace("://", "://me@")
        path = keyring(tmp_path, host)
    project.env |= {"UV_KEYRING_PROVIDER": "subprocess", "PATH": f"{path}:/usr/bin:/bin"}
    check_built(project, project.ok("build", "--verbose"))
    assert (tmp_path / "asked").read_text().startswith(f"get {index.url} me\n")


def test_variables_win_over_netrc_and_netrc_over_keyring(
    project: Project, private: tuple[PackageIndex, str], tmp_path: Path
) -> None:
    index, version = private
    requirements(project, version, index.url)
    del project.env["UV_DEFAULT_INDEX"]
    path = keyring(tmp_path, index.url, password="wrong")  # noqa: S106
    project.env |= {
        "NETRC": netrc(tmp_path, f'machine 127.0.0.1 login me password "{QUOTED}"'),
        "UV_INDEX_ALL_USERNAME": "me",
        "UV_KEYRING_PROVIDER": "subprocess",
        "PATH": f"{path}:/usr/bin:/bin",
    }
    check_built(project, project.ok("build", "--verbose"))
    assert not (tmp_path / "asked").exists()

    project.env["NETRC"] = netrc(tmp_path, "machine 127.0.0.1 login me password wrong")
    project.env["UV_INDEX_ALL_PASSWORD"] = SECRET
    check_built(project, project.ok("build", "--verbose", "--no-cache"))
    assert not (tmp_path / "asked").exists()


def test_what_holds_the_credentials_cannot_be_used(project: Project, tmp_path: Path) -> None:
    project.env["NETRC"] = netrc(tmp_path, "machine 127.0.0.1 login me\npasswort marker-of-mine")
    cause = project.nox("build").cause
    assert cause.startswith(f"{tmp_path}/netrc:3:1: not a netrc file; correct it")
    assert "marker" not in cause

    project.env |= {
        "NETRC": "/dev/null",
        "UV_DEFAULT_INDEX": project.env["UV_DEFAULT_INDEX"].replace("://", "://me@"),
        "UV_KEYRING_PROVIDER": "subprocess",
        "PATH": "/usr/bin:/bin",
    }
    cause = project.nox("build").cause
    assert cause.startswith("UV_KEYRING_PROVIDER is 'subprocess', and there is no program keyring")
    assert "install keyring, or unset the variable" in cause


def test_an_index_that_is_no_address(project: Project) -> None:
    project.ok("build")
    project.write({"app/more.py": ""})
    failure = project.nox("build", UV_EXTRA_INDEX_URL="https://me:secret-marker@[bad").failure
    assert "secret-marker" not in failure
