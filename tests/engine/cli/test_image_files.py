"""Files that an image takes from others: of a registry, and of the same spec."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.oci import ImageIndex
from tests.support.project import Project
from tests.support.real_parts import Tools
from tests.support.standins import Files, link, push_files, write

BOTH = ("linux/amd64", "linux/arm64")
SPEC = """\
version: 1
images:
  web:
    base: debian
    copy: [app]
    files:
      - {from: ADDRESS/tools/tini:1, source: /bin/tini, target: /usr/local/bin/tini}
      - {from: ADDRESS/tools/tini:1, source: /share, target: /usr/share/tini, owner: "0:10001"}
      - {from: ADDRESS/tools/tini:1, source: /share, target: /srv/t, mode: "0640"}
      - {source: motd, target: /srv/t/motd}
"""


def _tini(platform: str, text: str = "1") -> Files:
    """A static binary that differs by platform, and a folder with a link out of it."""
    files: Files = {}
    write(files, "bin/tini-static", f"tini {text} for {platform}".encode())
    files["bin/tini-static"].info.mode = 0o755
    link(files, "bin/tini", "tini-static")
    write(files, "share/licenses/MIT", b"free")
    write(files, "share/motd", b"theirs")
    link(files, "share/out", "../../etc/passwd")
    return files


@pytest.fixture
def taking(project: Project, registry: str, tools: Tools, tmp_path: Path) -> Project:
    """A project that takes files of an image of the registry."""
    push_files(registry, tools.skopeo, tmp_path, "tools/tini:1", {p: _tini(p) for p in BOTH})
    return project.write({"buildspec.yaml": SPEC.replace("ADDRESS", registry), "motd": "ours"})


def test_files_of_an_image_of_a_registry(taking: Project, registry: str) -> None:
    (image,) = json.loads(taking.ok("plan", "--json").stdout)["images"]
    pinned = image["taken_files"][0]["image"]["digest"]
    plan = taking.ok("plan").stdout
    assert f"/bin/tini of {registry}/tools/tini:1@{pinned}" in "".join(plan.split("\n"))
    taking.ok("build")

    index = ImageIndex.open(taking.tar)
    for platform in BOTH:
        built = index.platforms[platform]
        members = built.members(built.own_layers[-1])
        # The link to it was followed in its image, and so was no other.
        assert built.read("usr/local/bin/tini") == f"tini 1 for {platform}"
        found = {n: (m.mode, m.gid, m.linkname) for n, m in members.items()}
        assert found["usr/local/bin/tini"] == (0o755, 0, "")
        assert found["usr/share/tini"] == (0o755, 10001, "")
        assert found["usr/share/tini/licenses/MIT"] == (0o644, 10001, "")
        assert found["usr/share/tini/out"] == (0o777, 10001, "../../etc/passwd")
        assert found["srv/t/licenses"] == (0o750, 0, "")
        assert found["srv/t/licenses/MIT"] == (0o640, 0, "")
        # Files of the context lie above those of images.
        assert built.read("srv/t/motd") == "ours"
        assert len({member.mtime for member in members.values()}) == 1
        assert not [name for name in built.own_names if name.startswith("run/")]
    assert "nothing changed" in taking.ok("build").stderr


def test_another_image_of_the_same_name_is_taken_when_it_is_pulled(
    taking: Project, registry: str, tools: Tools, tmp_path: Path
) -> None:
    taking.ok("lock", "--bases")
    locked = (taking.root / "bases.lock").read_text()
    assert f"{registry}/tools/tini:1" in locked
    newer = {platform: _tini(platform, "2") for platform in BOTH}
    push_files(registry, tools.skopeo, tmp_path, "tools/tini:1", newer)
    taking.ok("build", "--platform", "linux/amd64", CI="true")
    built = ImageIndex.open(taking.tar).platforms["linux/amd64"]
    assert built.read("usr/local/bin/tini") == "tini 1 for linux/amd64"

    assert "bases.lock is stale" in taking.nox("lock", "--bases", "--check").cause
    taking.ok("lock", "--bases")
    taking.ok("build", "--platform", "linux/amd64")
    built = ImageIndex.open(taking.tar).platforms["linux/amd64"]
    assert built.read("usr/local/bin/tini") == "tini 2 for linux/amd64"


def test_what_cannot_be_taken_is_located(
    taking: Project, registry: str, tools: Tools, tmp_path: Path
) -> None:
    spec = (taking.root / "buildspec.yaml").read_text()
    taking.write({"buildspec.yaml": spec.replace("/bin/tini,", "/bin/tiny,")})
    cause = taking.nox("build").cause
    assert cause.startswith("buildspec.yaml:7:")
    assert "images.web.files.0.source: web" in cause
    assert "there is no bin/tiny in the image that it is taken from" in cause
    assert cause.codes == ["NBK609"]
    assert not (taking.root / "dist" / "web.oci.tar").exists()

    taking.write({"buildspec.yaml": spec.replace("tini:1, source: /bin", "tini:9, source: /bin")})
    cause = taking.nox("build").cause
    assert cause.startswith("buildspec.yaml:7:16: images.web.files.0.from: ")
    assert "tools/tini:9" in cause

    one = {BOTH[0]: _tini(BOTH[0])}
    push_files(registry, tools.skopeo, tmp_path, "tools/tini:one", one)
    taking.write({"buildspec.yaml": spec.replace("tini:1, source: /bin", "tini:one, source: /bin")})
    cause = taking.nox("build").cause
    assert cause.startswith("buildspec.yaml:7:16: images.web.files.0.from: the image ")
    assert "has no linux/arm64; it has linux/amd64; take another one" in cause
    assert cause.codes == ["NBK403"]
    taking.ok("build", "--platform", "linux/amd64")

    # A link of an image leads nowhere that is not in the layer.
    more = "      - {source: motd, target: /usr/share/tini/out}\n"
    taking.write({"buildspec.yaml": spec.replace("      - {source", f"{more}      - {{source", 1)})
    taking.ok("build", "--platform", "linux/amd64")
    taking.write({"buildspec.yaml": spec + more.replace("out}", "out/file}")})
    done = taking.nox("build", "--platform", "linux/amd64")
    assert "a file would be in '/usr/share/tini/out', which is no folder" in done.stderr
    assert done.code != 0


def test_files_of_an_image_of_the_same_spec(project: Project) -> None:
    make = (
        "import pathlib, sys\n"
        "pathlib.Path('static').mkdir()\n"
        "pathlib.Path('static/site.css').write_text(pathlib.Path('theme').read_text())\n"
    )
    step = {"run": ["python", "-c", make], "output": ["static"]}
    spec = {
        "version": 1,
        "images": {
            "web": {
                "base": "debian",
                "copy": ["app"],
                "platforms": ["linux/arm64"],
                "files": [
                    {"from": "target:site", "source": "/app/static", "target": "/srv/static"}
                ],
            },
            "site": {
                "base": "debian",
                "requirements": "none",
                "copy": ["theme"],
                "steps": [step],
                "per-platform": {"linux/arm64": {"env": {"ARM": "1"}}},
            },
        },
    }
    project.write({"buildspec.yaml": json.dumps(spec), "theme": "red"})
    project.ok("build", "web")
    # What it is made of is no result of its own.
    assert [path.name for path in (project.root / "dist").glob("*.tar")] == ["web.oci.tar"]
    (platform,) = ImageIndex.open(project.tar).platforms.values()
    assert platform.read("srv/static/site.css") == "red"
    assert "nothing changed" in project.ok("build", "web").stderr
    before = project.digest()

    project.write({"theme": "blue"})
    project.ok("build")
    (platform,) = ImageIndex.open(project.tar).platforms.values()
    assert platform.read("srv/static/site.css") == "blue"
    assert project.digest() != before
    assert set(project.record()["images"]) == {"web", "site"}

    spec["images"]["site"]["base"] = "target:web"  # type: ignore[index]
    project.write({"buildspec.yaml": json.dumps(spec)})
    failure = project.nox("build").failure
    assert "images.web.files.0.from: 'site' is made of this image" in failure
    assert "images.site.base: an image cannot build on itself" in failure
