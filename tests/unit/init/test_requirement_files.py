"""Requirements that a build does not find by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from nox_buildkit.buildspec.reading.load import parse
from nox_buildkit.init.text import buildspec_text
from tests.unit.init.projects import proposal_of

DOCKERFILE = "FROM python:3.13-slim\nWORKDIR /app\nCOPY . .\n{}\nCMD python a.py\n"
PROJECT = "[project]\nname = 'shop'\nversion = '1'\ndependencies = ['a']\n"


@pytest.mark.parametrize(
    ("files", "run", "stated"),
    [
        ({"requirements.txt": "a\n"}, "pip install -r requirements.txt", {}),
        ({"requirements.txt": "a\n"}, "", {}),
        (
            {"requirements.txt": "a\n", "web.txt": "b\n"},
            "pip install -r requirements.txt -r web.txt",
            {"source": ["requirements.txt", "web.txt"]},
        ),
        ({"r/prod.txt": "a\n"}, "pip install -r r/prod.txt", {"source": "r/prod.txt"}),
        ({"pyproject.toml": PROJECT}, "pip install .[web]", {"source": "pyproject.toml",
                                                            "extras": ["web"]}),
        ({"pyproject.toml": PROJECT}, "poetry install --with prod --only main",
         {"source": "pyproject.toml", "groups": ["prod"]}),
        ({"r/prod.txt": "a\n"}, "pip install -rr/prod.txt", {"source": "r/prod.txt"}),
        ({"r/prod.txt": "a\n"}, "uv pip sync --system r/prod.txt", {"source": "r/prod.txt"}),
        (
            {"pyproject.toml": f"{PROJECT}optional-dependencies = {{web = [], db = []}}\n"},
            "uv sync --all-extras",
            {"source": "pyproject.toml", "extras": ["web", "db"]},
        ),
        ({"pyproject.toml": PROJECT}, "uv sync --all-extras", {}),
        ({"pyproject.toml": PROJECT}, "uv sync --extra $X --extra web",
         {"source": "pyproject.toml", "extras": ["web"]}),
        ({"pyproject.toml": PROJECT}, "uv sync --extra $X", {}),
        ({"deps.pip": "a\n"}, "pip install -r deps.pip", {}),
        ({"deps.pip": "a\n", "a.txt": "a\n"}, "pip install -r deps.pip -r a.txt",
         {"source": "a.txt"}),
        ({"requirements/production.txt": "a\n", "requirements/test.txt": "b\n"}, "",
         {"source": "requirements/production.txt"}),
        ({"requirements-base.txt": "a\n", "requirements-dev.txt": "b\n"}, "",
         {"source": "requirements-base.txt"}),
        ({"requirements/dev.txt": "b\n"}, "", {}),
    ],
)  # fmt: skip
def test_a_set_names_what_is_installed(
    files: dict[str, str], run: str, stated: dict[str, object], tmp_path: Path
) -> None:
    text = DOCKERFILE.format(f"RUN {run}" if run else "")
    proposal = proposal_of(tmp_path, {**files, "Dockerfile": text, "a.py": ""})
    assert proposal.images[0].requirements == stated
    parse(buildspec_text(proposal), "buildspec.yaml")
    bad = any(word in run for word in ("$X", "deps.pip"))
    assert any(note.startswith("requirements: ") for note in proposal.notes) == bad


def test_a_lock_of_a_tool_is_what_is_installed(tmp_path: Path) -> None:
    text = DOCKERFILE.format("RUN pip install -r exported.txt")
    files = {"Dockerfile": text, "exported.txt": "a\n", "uv.lock": "", "pyproject.toml": PROJECT}
    assert not proposal_of(tmp_path, files).images[0].requirements


def test_servers_are_found_in_files_that_are_included(tmp_path: Path) -> None:
    files = {
        "requirements.txt": "-r r/base.txt\n",
        "r/base.txt": "-r more.txt\nflask\n",
        "r/more.txt": "gunicorn\n-r base.txt\n",
        "app.py": "app = Flask('a')\n",
    }
    assert proposal_of(tmp_path, files).images[0].command[0] == "gunicorn"


def test_a_program_of_the_project_takes_its_package(tmp_path: Path) -> None:
    text = 'FROM python:3.13-slim\nCOPY . .\nRUN pip install .\nCMD ["run-it", "1"]\n'
    files = {"pyproject.toml": f"{PROJECT}[project.scripts]\nrun-it = 'shop:main'\n"}
    image = proposal_of(tmp_path, {**files, "Dockerfile": text}).images[0]
    assert image.keys["package"]
    assert image.command == ("run-it", "1")
