"""Requirements in every form in which projects have them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from nox_buildkit.lock.export import PDM, PIPENV, POETRY
from nox_buildkit.lock.uv import run_tool
from tests.support.oci import ImageIndex
from tests.support.package_index import PackageIndex, new_version, serve
from tests.support.project import Project, uv_lock
from tests.support.workspace import WORKSPACE


@pytest.fixture(scope="module")
def workspace_template(template: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A uv workspace: a service that is a package, and a library that it depends on."""
    project = Project(tmp_path_factory.mktemp("workspace"), dict(template.env)).write(WORKSPACE)
    uv_lock(project)
    return project


@pytest.fixture
def workspace(workspace_template: Project, tmp_path: Path) -> Project:
    files = {
        str(path.relative_to(workspace_template.root)): path.read_text()
        for path in workspace_template.root.rglob("*")
        if path.is_file()
    }
    return Project(tmp_path / "project", dict(workspace_template.env)).write(files)


def test_a_member_of_a_workspace_is_installed_with_the_members_it_needs(
    workspace: Project,
) -> None:
    workspace.ok("lock")
    lock = (workspace.root / "services/api/requirements.lock").read_text()
    assert "Exported by nox-buildkit from uv.lock" in lock
    assert "\n../../libraries/shared\n" in lock
    assert str(workspace.root) not in lock

    workspace.ok("build")
    image = ImageIndex.open(workspace.root / "dist" / "api.oci.tar")
    amd64, arm64 = (image.platforms[f"linux/{name}"] for name in ("amd64", "arm64"))
    site = "opt/venv/lib/python3.13/site-packages"
    for platform in (amd64, arm64):
        files = platform.own_names
        assert f"{site}/api/__init__.py" in files
        assert f"{site}/shared/__pycache__/__init__.cpython-313.pyc" in files
        assert f"{site}/shared-0.3.dist-info/METADATA" in files
        # Nothing says where it was built, and the sources are there once.
        assert f"{site}/shared-0.3.dist-info/direct_url.json" not in files
        assert not [name for name in files if name.startswith("app/")]
    assert "nothing changed" in workspace.ok("build").stderr


def test_a_changed_member_replaces_a_layer_of_its_own(workspace: Project) -> None:
    def layers() -> list[tuple[str, ...]]:
        image = ImageIndex.open(workspace.root / "dist" / "api.oci.tar")
        return [tuple(image.platforms[f"linux/{name}"].layers) for name in ("amd64", "arm64")]

    workspace.ok("build")
    before = layers()
    workspace.write({"libraries/shared/src/shared/__init__.py": 'import plain\n\nWHO = "me"\n'})
    workspace.ok("build")
    changed = [set(new) - set(old) for old, new in zip(before, layers(), strict=True)]
    assert len(changed[0]) == 1
    # The same for both platforms.
    assert changed[0] == changed[1]
    kinds = workspace.record()["images"]["api"]["platforms"]["linux/amd64"]["layers"]
    assert [one["kind"] for one in kinds if one["digest"] in changed[0]] == ["app"]


def test_a_uv_lock_that_does_not_fit_is_refused(workspace: Project) -> None:
    name = "libraries/shared/pyproject.toml"
    workspace.write({name: WORKSPACE[name].replace("plain==1.0", "plain==1.1")})
    cause = workspace.nox("lock").cause
    assert cause.startswith("buildspec.yaml:4:5: images.api: uv.lock: uv: ")
    assert "needs to be updated" in cause
    assert not (workspace.root / "services/api/requirements.lock").exists()


def test_a_uv_lock_for_a_python_that_is_not_here_is_compared_all_the_same(
    workspace: Project,
) -> None:
    """uv compares only with a Python at hand that the project accepts."""
    newer = {name: text.replace(">=3.11", ">=3.13.1") for name, text in WORKSPACE.items()}
    lock = (workspace.root / "uv.lock").read_text()
    workspace.write({**newer, "uv.lock": lock.replace(">=3.11", ">=3.13.1")})
    workspace.ok("lock")
    name = "libraries/shared/pyproject.toml"
    workspace.write({name: newer[name].replace("plain==1.0", "plain==1.1")})
    cause = workspace.nox("lock").cause
    assert cause.startswith(f"{workspace.root / name}:5:16: project.dependencies: ")
    assert cause.endswith("uv.lock does not fit what shared requires; run 'uv lock' and commit it")


def test_a_uv_lock_that_was_made_for_other_pythons_is_stale(workspace: Project) -> None:
    name = "services/api/pyproject.toml"
    workspace.write({name: WORKSPACE[name].replace(">=3.11", ">=3.12")})
    cause = workspace.nox("lock").cause
    assert "uv.lock was made for Python '>=3.11'; run 'uv lock' and commit it" in cause


def test_a_package_that_cannot_be_built_is_told_in_the_words_of_its_backend(
    workspace: Project,
) -> None:
    (workspace.root / "libraries/shared/src/shared/__init__.py").unlink()
    cause = workspace.nox("build").cause
    assert "libraries/shared cannot be built: uv: " in cause
    assert cause.codes == ["NBK405"]
    assert not (workspace.root / "dist").exists()


def test_an_index_of_a_uv_project_keeps_its_name_and_its_credentials(
    workspace: Project,
) -> None:
    version = new_version()
    with serve() as company:
        company.add("gear", version)
        company.login = ("me", "s3cr3t-of-company")
        root, name = WORKSPACE["pyproject.toml"], "libraries/shared/pyproject.toml"
        workspace.write(
            {
                "pyproject.toml": f"""{root}
[[tool.uv.index]]
name = "company"
url = "{company.url}"
explicit = true
""",
                name: WORKSPACE[name].replace('"plain==1.0"', f'"plain==1.0", "gear=={version}"')
                + '[tool.uv.sources]\ngear = { index = "company" }\n',
            }
        )
        workspace.env |= {
            "UV_INDEX_COMPANY_USERNAME": "me",
            "UV_INDEX_COMPANY_PASSWORD": "s3cr3t-of-company",
        }
        uv_lock(workspace)
        workspace.ok("build", "--platform", "linux/amd64")
    image = ImageIndex.open(workspace.root / "dist" / "api.oci.tar").platforms["linux/amd64"]
    site = "opt/venv/lib/python3.13/site-packages"
    assert f"{site}/gear/__init__.py" in image.own_names
    assert f"{site}/plain/__init__.py" in image.own_names


def test_constraints_have_no_say_in_what_is_locked_already(workspace: Project) -> None:
    workspace.write(
        {
            "constraints.txt": "plain<1\n",
            "buildspec.yaml": (
                "version: 1\nrequirements:\n  api:\n    source: uv.lock\n    package: api\n"
                "    constraints: [constraints.txt]\nimages: {api: {requirements: api}}\n"
            ),
        }
    )
    cause = workspace.nox("lock").cause
    assert cause.startswith("buildspec.yaml:6:18: requirements.api.constraints: uv.lock is ")
    assert "constraints have no say in it" in cause


def test_an_extra_index_is_asked_with_its_own_credentials(project: Project) -> None:
    version = new_version()
    with serve() as company, serve() as mine:
        mine.add("mine", version)
        company.add("gear", version)
        company.login = ("me", "s3cr3t-of-company")
        project.write(
            {
                "requirements.in": f"plain\nfast\ngear=={version}\nmine\n",
                "buildspec.yaml": (
                    "version: 1\nrequirements:\n  web:\n    source: requirements.in\n"
                    f"    extra-indexes: {{company: '{company.url}'}}\n"
                    "images: {web: {base: debian, requirements: web}}\n"
                ),
            }
        )
        assert "UV_INDEX_<NAME>_USERNAME" in project.nox("lock").cause
        project.env |= {
            # The spec's come besides those of the environment.
            "UV_INDEX": mine.url,
            "UV_INDEX_COMPANY_USERNAME": "me",
            "UV_INDEX_COMPANY_PASSWORD": "s3cr3t-of-company",
        }
        done = project.ok("build")
    image = ImageIndex.open(project.tar)
    for platform in image.platforms.values():
        for name in ("gear", "mine"):
            assert f"opt/venv/lib/python3.13/site-packages/{name}/__init__.py" in platform.own_names
    for written in (*project.root.rglob("*.lock"), project.root / "dist" / "build.json"):
        assert "s3cr3t" not in written.read_text()
    assert "s3cr3t" not in done.stderr + done.stdout


@pytest.fixture(scope="module")
def shop() -> Iterator[PackageIndex]:
    """An index that a project names itself; tools other than uv come from the usual one."""
    with serve() as index:
        index.add("plain", "1.0")
        index.add("plain", "1.1")
        index.add("gear", "3.0")
        yield index


@pytest.fixture
def own_tool(project: Project) -> Project:
    """A project without settings of the index: only the tool's own lock names one."""
    for name in ("requirements.in", "requirements.lock"):
        (project.root / name).unlink()
    del project.env["UV_DEFAULT_INDEX"]
    del project.env["UV_CACHE_DIR"]
    return project


def test_a_poetry_lock(own_tool: Project, shop: PackageIndex) -> None:
    manifest = (
        '[project]\nname = "web"\nversion = "1.0"\nrequires-python = ">=3.11"\n'
        'dependencies = ["plain (==1.0)"]\n'
        "[tool.poetry]\npackage-mode = false\n"
        '[tool.poetry.group.more.dependencies]\ngear = "*"\n'
        f'[[tool.poetry.source]]\nname = "shop"\nurl = "{shop.url}"\npriority = "primary"\n'
    )
    own_tool.write({"pyproject.toml": manifest})
    run_tool(POETRY, ["poetry", "lock", "--no-interaction"], cwd=own_tool.root)

    own_tool.ok("lock")
    lock = (own_tool.root / "requirements.lock").read_text()
    assert "plain==1.0" in lock
    assert "gear" not in lock
    plan = json.loads(own_tool.ok("plan", "--json").stdout)
    assert [package["name"] for package in plan["images"][0]["pure"]] == ["plain"]
    assert plan["images"][0]["index"] == shop.url.rstrip("/")

    own_tool.write({"pyproject.toml": manifest.replace("==1.0", "==1.1")})
    cause = own_tool.nox("lock").cause
    assert "poetry.lock: poetry: " in cause
    assert "pyproject.toml changed significantly" in cause
    assert (own_tool.root / "requirements.lock").read_text() == lock


def _with_groups(source: str, group: str) -> str:
    return (
        f"version: 1\nrequirements: {{r: {{source: {source}, groups: [{group}]}}}}\n"
        "images: {web: {base: debian, requirements: r, command: [python]}}\n"
    )


def test_a_pdm_lock(own_tool: Project, shop: PackageIndex) -> None:
    manifest = (
        '[project]\nname = "web"\nversion = "1.0"\nrequires-python = ">=3.11"\n'
        'dependencies = ["plain==1.0"]\n[dependency-groups]\nmore = ["gear"]\n'
        f'[[tool.pdm.source]]\nname = "pypi"\nurl = "{shop.url}"\nverify_ssl = false\n'
    )
    own_tool.write({"pyproject.toml": manifest})
    run_tool(PDM, ["pdm", "lock"], cwd=own_tool.root)
    (own_tool.root / ".pdm-python").unlink(missing_ok=True)

    own_tool.ok("lock")
    lock = (own_tool.root / "requirements.lock").read_text()
    assert "plain==1.0" in lock
    assert "gear" not in lock
    assert not (own_tool.root / ".venv").exists()
    assert not (own_tool.root / ".pdm-python").exists()

    spec = (own_tool.root / "buildspec.yaml").read_text()
    own_tool.write({"buildspec.yaml": _with_groups("pdm.lock", "more")})
    own_tool.ok("lock")
    assert "gear" in (own_tool.root / "requirements.r.lock").read_text()
    own_tool.write({"buildspec.yaml": _with_groups("pdm.lock", "mor")})
    assert "pdm.lock has no group 'mor'; it has: default, more" in own_tool.nox("lock").cause
    (own_tool.root / "buildspec.yaml").write_text(spec)

    own_tool.write({"pyproject.toml": manifest.replace("==1.0", "==1.1")})
    cause = own_tool.nox("lock").cause
    assert "pdm.lock: pdm: " in cause
    assert cause.endswith("run 'pdm lock' and commit it")
    assert (own_tool.root / "requirements.lock").read_text() == lock


def test_a_pdm_lock_with_a_path_dependency(own_tool: Project, shop: PackageIndex) -> None:
    project = '[project]\nname = "{}"\nversion = "1.0"\nrequires-python = ">=3.11"\n'
    manifest = (
        project.format("web") + 'dependencies = ["plain", "lib @ file:///${PROJECT_ROOT}/lib"]\n'
        f'[[tool.pdm.source]]\nname = "pypi"\nurl = "{shop.url}"\nverify_ssl = false\n'
    )
    own_tool.write({"pyproject.toml": manifest, "lib/pyproject.toml": project.format("lib")})
    run_tool(PDM, ["pdm", "lock"], cwd=own_tool.root)

    cause = own_tool.nox("lock").cause
    assert "pdm.lock: PDM exports 'lib' only without hashes: it is from no index" in cause
    assert cause.endswith("name pyproject.toml as the source of the requirements")

    own_tool.env["UV_DEFAULT_INDEX"] = shop.url
    spec = "version: 1\nrequirements: {r: {source: pyproject.toml}}\n"
    own_tool.write(
        {"buildspec.yaml": f"{spec}images: {{web: {{requirements: r, command: [python]}}}}\n"}
    )
    own_tool.ok("lock")
    assert "\n./lib\n" in (own_tool.root / "requirements.r.lock").read_text()


def test_a_pipfile_lock(own_tool: Project, shop: PackageIndex) -> None:
    pipfile = (
        f'[[source]]\nname = "shop"\nurl = "{shop.url}"\nverify_ssl = false\n'
        '[packages]\nplain = "==1.0"\n[dev-packages]\ngear = "*"\n'
    )
    own_tool.write({"Pipfile": pipfile})
    run_tool(PIPENV, ["pipenv", "lock"], cwd=own_tool.root)

    own_tool.ok("lock")
    lock = (own_tool.root / "requirements.lock").read_text()
    assert "plain==1.0" in lock
    assert "gear" not in lock

    spec = (own_tool.root / "buildspec.yaml").read_text()
    own_tool.write({"buildspec.yaml": _with_groups("Pipfile.lock", "dev-packages")})
    own_tool.ok("lock")
    both = (own_tool.root / "requirements.r.lock").read_text()
    assert "plain==1.0" in both
    assert "gear" in both
    own_tool.write({"buildspec.yaml": _with_groups("Pipfile.lock", "prod")})
    cause = own_tool.nox("lock").cause
    assert "Pipfile.lock has no group 'prod'; it has: dev-packages, packages" in cause
    (own_tool.root / "buildspec.yaml").write_text(spec)

    own_tool.write({"Pipfile": pipfile.replace("==1.0", "==1.1")})
    cause = own_tool.nox("lock").cause
    assert "Pipfile.lock: pipenv: " in cause
    assert (own_tool.root / "requirements.lock").read_text() == lock


def test_a_project_with_a_setup_py_alone(own_tool: Project) -> None:
    own_tool.write(
        {
            "setup.py": "from setuptools import setup\n"
            "setup(name='demo', version='4.2', install_requires=['idna'], py_modules=['demo'])\n",
            "demo.py": "import idna\n",
            "buildspec.yaml": "version: 1\nimages:\n  web: {base: debian, package: true}\n",
        }
    )
    assert "code was run of: setup.py" in own_tool.ok("lock").stderr
    plan = json.loads(own_tool.ok("plan", "--json").stdout)["images"][0]
    assert [package["name"] for package in plan["pure"]] == ["idna"]
    assert [package["version"] for package in plan["local"]] == ["4.2"]
    assert "web:4.2" in plan["references"]
    assert not list(own_tool.root.glob("*.egg-info"))
