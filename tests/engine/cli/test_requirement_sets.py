"""What a named set of requirements takes besides its source."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from nox_buildkit.engine.private.engine import PrivateEngine
from tests.support.oci import ImageIndex
from tests.support.package_index import NATIVE_TAGS, PackageIndex, new_version, serve
from tests.support.project import Project, git, uv_lock

SITE = "opt/venv/lib/python3.13/site-packages"


def with_set(**keys: str) -> str:
    """A spec whose one image has a set with ``keys``, as YAML."""
    stated = "".join(f"    {key.replace('_', '-')}: {value}\n" for key, value in keys.items())
    return (
        f"version: 1\nrequirements:\n  all:\n    source: requirements.in\n{stated}"
        "images:\n  web: {base: debian, requirements: all, command: [python, -m, app]}\n"
    )


def test_split_files_are_resolved_together(project: Project, index: PackageIndex) -> None:
    project.write(
        {
            "buildspec.yaml": with_set().replace(
                "requirements.in", "[requirements/base.txt, requirements/prod.txt]"
            ),
            "requirements/base.txt": "plain\n",
            "requirements/prod.txt": "fast\nplain<1.1\n",
        }
    )
    assert "is made from base.txt and prod.txt" in project.nox("build", CI="true").cause
    project.ok("lock")
    lock = (project.root / "requirements.all.lock").read_text()
    # One file alone would have the newer version.
    assert "plain==1.0" in lock
    assert "fast==2.0" in lock
    assert "Locked by nox-buildkit from base.txt and prod.txt, for Python 3.13" in lock
    assert str(project.root) not in lock
    project.ok("lock", "--check")

    project.ok("build", "--platform", "linux/amd64")
    names = ImageIndex.open(project.tar).platforms["linux/amd64"].own_names
    assert f"{SITE}/plain-1.0.dist-info/METADATA" in names
    assert f"{SITE}/fast-2.0.dist-info/METADATA" in names
    # What is locked is not part of the image.
    assert not {"app/requirements/base.txt", "app/requirements.all.lock"} & set(names)
    assert "nothing changed" in project.ok("build", "--platform", "linux/amd64").stderr

    project.write({"requirements/prod.txt": "fast\nplain>1.0\n"})
    cause = project.nox("lock", "--check").cause
    assert "requirements.all.lock is stale" in cause
    assert "'+plain==1.1'" in cause


def test_files_that_contradict_each_other(project: Project) -> None:
    project.write(
        {
            "buildspec.yaml": with_set().replace("requirements.in", "[base.txt, prod.txt]"),
            "base.txt": "plain==1.0\n",
            "prod.txt": "plain==1.1\n",
        }
    )
    cause = project.nox("lock").cause
    assert "buildspec.yaml:4:13: requirements.all.source: base.txt and prod.txt: " in cause
    assert "plain==1.0 and plain==1.1" in cause
    assert not (project.root / "requirements.all.lock").exists()


@pytest.fixture
def folder(project: Project) -> tuple[Path, str]:
    """A folder with a wheel for all, one for each platform, and sources; their version."""
    version = new_version()
    offered = PackageIndex()
    offered.add("gear", f"{version}+local")
    offered.add_native("rapid", version)
    offered.add_pure_sdist("sourceonly", version)
    path = project.root / "wheels"
    path.mkdir()
    for name, content in offered.files.items():
        (path / name).write_bytes(content)
    return path, version


def test_files_of_a_folder_are_locked_and_installed_on_both_platforms(
    project: Project,
    folder: tuple[Path, str],
    private_engine: PrivateEngine,
    both_platforms: None,
) -> None:
    path, version = folder
    said = "import fast, gear, rapid, sourceonly; print(gear.VERSION, rapid.PLATFORM)"
    project.write(
        {
            "buildspec.yaml": with_set(find_links="[wheels]").replace("-m, app", f"-c, '{said}'"),
            "requirements.in": "plain\nfast\ngear\nrapid\nsourceonly\n",
        }
    )
    project.ok("lock")
    lock = (project.root / "requirements.all.lock").read_text()
    assert f"gear=={version}+local" in lock
    assert str(project.root) not in lock

    project.ok("build")
    image = ImageIndex.open(project.tar)
    private_engine.client.load(project.tar)
    for name, platform in image.platforms.items():
        assert f"{SITE}/sourceonly.py" in platform.own_names
        # What was installed from a file of this machine says so nowhere, and is there once.
        assert f"{SITE}/gear-{version}+local.dist-info/direct_url.json" not in platform.own_names
        assert not [each for each in platform.own_names if each.endswith((".whl", ".tar.gz"))]
        ran = private_engine.client.run("web:latest", platform=name, remove=True)
        assert str(ran).split() == [f"{version}+local", name]
    assert "nothing changed" in project.ok("build").stderr

    # Another file of the same name, and a newer version: both are seen.
    newer = PackageIndex()
    newer.add("gear", f"{version}+local", text="NEW = True\n")
    (path / f"gear-{version}+local-py3-none-any.whl").write_bytes(*newer.files.values())
    assert "requirements.all.lock does not match" in project.nox("plan", CI="true").cause
    project.ok("lock")
    assert (project.root / "requirements.all.lock").read_text() != lock


def test_a_folder_that_a_requirements_file_names(
    project: Project, folder: tuple[Path, str]
) -> None:
    path, version = folder
    path.rename(project.root / "app" / "wheels")
    project.write({"requirements.in": "-r app/more.in\n", "app/more.in": "-f wheels\ngear\n"})
    project.ok("build", "--platform", "linux/amd64")
    names = ImageIndex.open(project.tar).platforms["linux/amd64"].own_names
    assert f"{SITE}/gear-{version}+local.dist-info/METADATA" in names
    assert not [name for name in names if name.endswith(".whl")]

    project.write({"app/more.in": "# pages\n--find-links https://packages.example.com/\ngear\n"})
    cause = project.nox("lock").cause
    assert "app/more.in:2:1: only folders are looked into for files, and no pages" in cause
    project.write({"app/more.in": "--find-links=nowhere\ngear\n"})
    assert "app/more.in:1:1: " in (cause := project.nox("lock").cause)
    assert "app/nowhere: no such folder" in cause


def test_a_folder_of_a_uv_project(project: Project, folder: tuple[Path, str]) -> None:
    project.write(
        {
            "pyproject.toml": (
                '[project]\nname = "web"\nversion = "1.0"\nrequires-python = ">=3.11"\n'
                'dependencies = ["gear"]\n[tool.uv]\nfind-links = ["wheels"]\n'
            )
        }
    )
    uv_lock(project)
    project.ok("build", "--platform", "linux/amd64")
    names = ImageIndex.open(project.tar).platforms["linux/amd64"].own_names
    assert f"{SITE}/gear-{folder[1]}+local.dist-info/METADATA" in names

    project.write(
        {"buildspec.yaml": with_set(find_links="[wheels]").replace("requirements.in", "uv.lock")}
    )
    cause = project.nox("lock").cause
    assert cause.startswith("buildspec.yaml:5:17: requirements.all.find-links: uv.lock says itself")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository of a package ``bolt`` that needs ``plain``, on the branch ``main``."""
    offered = PackageIndex()
    offered.add_pure_sdist("bolt", "1.0")
    [sdist] = offered.files.values()
    # Python 3.11.2, Debian's, has no filters, and later ones want one.
    unpack = ["tar", "--extract", "--gzip", "--directory", str(tmp_path)]
    subprocess.run(unpack, input=sdist, check=True)
    root = tmp_path / "bolt-1.0"
    (root / "PKG-INFO").unlink()
    (root / "module.c").unlink()
    manifest = (root / "pyproject.toml").read_text()
    (root / "pyproject.toml").write_text(
        manifest.replace("[build-system]", 'dependencies = ["plain"]\n[build-system]')
    )
    git(root, "init", "--quiet", "--initial-branch=main")
    commit(root)
    return root


def commit(root: Path) -> str:
    """Commit everything; the hash of the commit."""
    git(root, "add", ".")
    git(root, "commit", "--quiet", "--message", "More")
    return git(root, "rev-parse", "HEAD")


def test_a_branch_is_locked_to_a_commit_and_installed_as_a_wheel(
    project: Project, repository: Path
) -> None:
    first, url = git(repository, "rev-parse", "HEAD"), f"git+file://{repository}"
    project.write({"requirements.in": f"fast\nbolt @ {url}@main\n"})
    project.ok("lock")
    lock = project.root / "requirements.lock"
    assert f"bolt @ {url}@{first}\n" in lock.read_text()
    project.ok("build")
    for platform in ImageIndex.open(project.tar).platforms.values():
        names = set(platform.own_names)
        assert {f"{SITE}/bolt.py", f"{SITE}/plain/__init__.py"} <= names
        assert f"{SITE}/bolt-1.0.dist-info/direct_url.json" not in names

    # The branch moves: the lock does not, before it is asked to; and what was built is kept.
    (repository / "more.txt").write_text("more")
    second = commit(repository)
    repository.rename(repository.with_name("away"))
    assert "nothing changed" in project.ok("build").stderr
    repository.with_name("away").rename(repository)
    project.ok("lock", "--upgrade-package", "bolt")
    assert f"bolt @ {url}@{second}\n" in lock.read_text()

    lock.write_text(lock.read_text().replace(second, "main"))
    cause = project.nox("plan", CI="true").cause
    assert "requirements.lock was changed since it was made, by hand or in a merge" in cause


def test_a_commit_that_a_uv_project_names(project: Project, repository: Path) -> None:
    project.write(
        {
            "pyproject.toml": (
                '[project]\nname = "web"\nversion = "1.0"\nrequires-python = ">=3.11"\n'
                'dependencies = ["bolt"]\n'
                f'[tool.uv.sources]\nbolt = {{ git = "file://{repository}", branch = "main" }}\n'
            )
        }
    )
    uv_lock(project)
    project.ok("build", "--platform", "linux/amd64")
    names = set(ImageIndex.open(project.tar).platforms["linux/amd64"].own_names)
    assert {f"{SITE}/bolt.py", f"{SITE}/plain/__init__.py"} <= names


def test_a_commit_that_no_wheel_for_all_can_be_made_of(project: Project, repository: Path) -> None:
    url = f"bolt @ git+file://{repository}@main\n"
    backend = (repository / "backend.py").read_text()
    (repository / "backend.py").write_text(backend.replace("none-any", "none-linux_x86_64"))
    commit(repository)
    project.write({"requirements.in": url})
    cause = project.nox("plan").cause
    assert cause.startswith("buildspec.yaml:4:5: images.web: bolt has machine code")
    assert "publish its wheels to an index" in cause

    (repository / "backend.py").write_text(
        f"{backend}\n\ndef build_wheel(*args):\n    raise SystemExit('not today')\n"
    )
    commit(repository)
    project.ok("lock", "--upgrade")
    cause = project.nox("plan").cause
    assert cause.startswith("buildspec.yaml:4:5: images.web: bolt cannot be built: uv: ")
    assert "not today" in cause

    project.write({"requirements.in": f"bolt @ git+file://{repository}@nowhere\n"})
    cause = project.nox("lock").cause
    assert "requirements.in: uv: " in cause
    assert "nowhere" in cause


def test_files_that_are_required_by_their_address(project: Project) -> None:
    version = new_version()
    with serve() as shop:
        files = shop.url.replace("/simple/", "/files/")
        shop.add("gear", version)
        shop.add_native("rapid", version)
        native = {platform: f"rapid-{version}-{tag}.whl" for platform, tag in NATIVE_TAGS.items()}
        requirements = (
            f"gear @ {files}gear-{version}-py3-none-any.whl\n"
            f"rapid @ {files}{native['linux/amd64']} ; platform_machine == 'x86_64'\n"
        )
        arm64 = f"rapid @ {files}{native['linux/arm64']} ; platform_machine != 'x86_64'\n"
        project.write({"requirements.in": requirements + arm64})
        project.ok("build")
        for platform in ImageIndex.open(project.tar).platforms.values():
            names = set(platform.own_names)
            assert {f"{SITE}/gear/__init__.py", f"{SITE}/rapid/__init__.py"} <= names

        project.write({"requirements.in": requirements.replace("x86_64'", "aarch64'")})
        cause = project.nox("plan").cause
        assert f"rapid {version} has no wheel for linux/arm64 (CPython 3.13, glibc" in cause

        # A hash that nobody stated is not that of any file.
        project.write({"requirements.in": requirements})
        project.ok("lock")
        lock = project.root / "requirements.lock"
        digest = shop.stated[f"gear-{version}-py3-none-any.whl"]
        lock.write_text(lock.read_text().replace(digest, digest[::-1]))
        cause = project.nox("plan", CI="true").cause
        assert "requirements.lock was changed since it was made, by hand or in a merge" in cause
        assert digest in cause


def test_a_file_is_not_required_by_its_path(project: Project, folder: tuple[Path, str]) -> None:
    path, version = folder
    wheel = f"gear-{version}+local-py3-none-any.whl"
    for requirement in (f"./wheels/{wheel}", f"gear @ file://{path}/{wheel}"):
        project.write({"requirements.in": f"{requirement}\n"})
        cause = project.nox("lock").cause
        assert f"{wheel} is a file, and cannot be required by its path" in cause
        assert cause.codes == ["NBK307"]
        assert "name its folder in 'find-links'" in cause


def test_an_override_wins_over_what_a_requirement_asks_for(project: Project) -> None:
    project.write(
        {
            "buildspec.yaml": with_set(overrides="[overrides.txt]"),
            "requirements.in": "plain<1.1\n",
            "overrides.txt": "plain==1.1\n",
        }
    )
    project.ok("lock")
    lock = project.root / "requirements.all.lock"
    assert "plain==1.1" in lock.read_text()

    project.write({"overrides.txt": "plain==1.0\n"})
    assert "'+plain==1.0" in project.nox("lock", "--check").cause
