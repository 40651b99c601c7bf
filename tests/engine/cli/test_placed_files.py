"""Files and folders at places of their own, in images that were built."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from nox_buildkit.engine.bake import bake_command
from nox_buildkit.engine.buildkit import Engine
from nox_buildkit.engine.flags.allow import Allow
from nox_buildkit.engine.private.engine import PrivateEngine
from nox_buildkit.facts.placed_files import read_placed
from nox_buildkit.file_digests import FileDigests
from tests.support.oci import ImageIndex, PlatformImage
from tests.support.project import Project, git

#: Nothing was read before.
DIGESTS = FileDigests(Path("/project"), "sources")

SPEC = """\
version: 1
images:
  web:
    base: debian
    platforms: [linux/amd64]
    copy: [app]
    files:
      - {source: frontend/dist, target: /srv/static}
      - {source: frontend/dist, target: /srv/private, mode: "0640", owner: "0:10001"}
      - {source: frontend/run, target: /opt/tool/run}
"""


@pytest.fixture
def frontend(project: Project) -> Project:
    """A project whose front end was built into an ignored folder."""
    project.write(
        {
            "buildspec.yaml": SPEC,
            ".gitignore": "dist/\nrun\n",
            ".dockerignore": "frontend\n",
            "frontend/dist/index.html": "<p>hello</p>\n",
            "frontend/dist/assets/$app 1.js": "alert(1)\n",
            "frontend/dist/.env": "TOKEN=secret\n",
            "frontend/run": "#!/bin/sh\n",
        }
    )
    dist = project.root / "frontend" / "dist"
    (project.root / "frontend" / "run").chmod(0o755)
    (dist / "empty").mkdir()
    (dist / "main.html").symlink_to("index.html")
    (dist / "host").symlink_to("/etc/hostname")
    git(project.root, "init", "--quiet")
    return project


def _members(project: Project) -> dict[str, tuple[int, int, str]]:
    """Mode, group, and the target of a link, of everything in the topmost layer."""
    image = _image(project)
    members = image.members(image.own_layers[-1])
    return {name: (m.mode, m.gid, m.linkname) for name, m in members.items()}


def _image(project: Project) -> PlatformImage:
    return ImageIndex.open(project.tar).platforms["linux/amd64"]


def test_an_ignored_folder_is_placed_whole(frontend: Project) -> None:
    plan = frontend.ok("plan").stdout
    assert "/srv/static/, 4 files, " in plan
    done = frontend.ok("build")

    found = _members(frontend)
    assert {n.removeprefix("srv/static"): m for n, m in found.items() if "srv/static" in n} == {
        "": (0o755, 0, ""),
        "/assets": (0o755, 0, ""),
        "/assets/$app 1.js": (0o644, 0, ""),
        "/empty": (0o755, 0, ""),
        "/host": (0o777, 0, "/etc/hostname"),
        "/index.html": (0o644, 0, ""),
        "/main.html": (0o777, 0, "index.html"),
    }
    assert found["srv/private/assets"][:2] == (0o750, 10001)
    assert found["srv/private/index.html"][:2] == (0o640, 10001)
    assert found["opt/tool/run"][0] == 0o755
    assert _image(frontend).read("srv/static/assets/$app 1.js") == "alert(1)\n"
    assert "'frontend/dist/.env' is not in the image: it is a file for secrets" in done.stderr
    for layer in _image(frontend).own_layers:
        assert not [name for name, text in _image(frontend).contents(layer) if b"secret" in text]


def test_changes_in_a_placed_folder_are_seen(frontend: Project) -> None:
    frontend.ok("build")
    assert "nothing changed" in frontend.ok("build").stderr
    dist = frontend.root / "frontend" / "dist"
    digests = [frontend.digest()]
    frontend.write({"frontend/dist/assets/more.js": "alert(2)\n"})
    frontend.ok("build")
    digests.append(frontend.digest())
    (dist / "main.html").unlink()
    (dist / "main.html").symlink_to("assets")
    frontend.ok("build")
    digests.append(frontend.digest())
    assert len(set(digests)) == 3
    assert _members(frontend)["srv/static/main.html"][2] == "assets"

    (dist / "main.html").unlink()
    (dist / "assets" / "more.js").unlink()
    (dist / "main.html").symlink_to("index.html")
    frontend.ok("build")
    assert frontend.digest() == digests[0]


def test_a_folder_that_is_not_there(frontend: Project) -> None:
    frontend.write({"buildspec.yaml": SPEC.replace("frontend/run", "frontend/rum")})
    cause = frontend.nox("build").cause
    assert cause.startswith("buildspec.yaml:10:18: images.web.files.2.source: 'frontend/rum' is")
    assert cause.codes == ["NBK402"]
    assert not (frontend.root / "dist").exists()


def test_links_are_what_buildkit_copies(engine: Engine, tmp_path: Path) -> None:
    context = tmp_path / "context"
    (context / "dist" / "deep").mkdir(parents=True)
    (context / "dist" / "page").write_text("page")
    (tmp_path / "outside").write_text("outside")
    links = {
        "dist/inside": "page",
        "dist/folder": "deep",
        "dist/absolute": "/etc/passwd",
        "dist/escape": "../../outside",
        "dist/nowhere": "nothing",
        "site": "dist",
        "front": "dist/page",
    }
    for name, target in links.items():
        (context / name).symlink_to(target)
    named = ("dist", "site", "front", "dist/page")
    _bake(engine, tmp_path, [f"COPY {name} /{number}/{name}" for number, name in enumerate(named)])

    for number, name in enumerate(named):
        top = tmp_path / "out" / str(number) / name
        copied = {
            path.relative_to(top).as_posix(): str(path.readlink()) if path.is_symlink() else ""
            for path in (top, *top.rglob("*"))
        }
        placed = read_placed(context, name, (), DIGESTS).sources
        assert {each.below or ".": each.link for each in placed} == copied


@pytest.mark.parametrize("name", ["escape", "absolute"])
def test_what_buildkit_does_not_follow_is_refused(
    engine: Engine, tmp_path: Path, name: str
) -> None:
    context = tmp_path / "context"
    context.mkdir()
    (tmp_path / "outside").write_text("outside")
    target = "../outside" if name == "escape" else str(tmp_path / "outside")
    (context / name).symlink_to(target)
    with pytest.raises(AssertionError, match="not found"):
        _bake(engine, tmp_path, [f"COPY {name} /{name}"])
    with pytest.raises(Exception, match="leads out of the context"):
        read_placed(context, name, (), DIGESTS)


def _bake(engine: Engine, folder: Path, copies: list[str]) -> None:
    target = {
        "context": str(folder / "context"),
        "dockerfile-inline": "\n".join(["FROM scratch", *copies]),
        "output": [f"type=local,dest={folder / 'out'}"],
        "attest": ["type=provenance,disabled=true"],
    }
    (folder / "bake.json").write_text(json.dumps({"target": {"all": target}}))
    allow = [Allow("fs", str(folder))]
    command = bake_command(
        engine, ["bake.json"], ["all"], metadata_file="metadata.json", allow=allow
    )
    env = engine.docker.environment
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


def test_a_module_that_is_placed_over_the_sources_is_what_python_imports(
    project: Project, private_engine: PrivateEngine
) -> None:
    project.write(
        {
            "buildspec.yaml": (
                "version: 1\nimages:\n  web:\n    base: debian\n    platforms: [linux/amd64]\n"
                "    copy: [app]\n"
                "    files:\n      - {source: deploy/settings.py, target: /app/app/settings.py, "
                'mode: "0640", owner: "0:10001"}\n'
                '    command: [python, -c, "from app import settings; print(settings.WHERE)"]\n'
            ),
            "app/settings.py": "WHERE = 'the sources'\n",
            "deploy/settings.py": "WHERE = 'deployed'\n",
        }
    )
    project.ok("build")
    assert _members(project)["app/app/settings.py"][0] == 0o640
    private_engine.client.load(project.tar)
    assert str(private_engine.client.run("web:latest", remove=True)) == "deployed"
