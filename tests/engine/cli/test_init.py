"""From a project that has nothing of ours to an image that answers, without an edit."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nox_buildkit.engine.private.engine import PrivateEngine
from tests.support.containers import answer_of, running
from tests.support.project import Project
from tests.support.real_parts import free_port

EXAMPLES = Path(__file__).parents[3] / "examples"
FLASK = "import flask\n\napp = flask.Flask(__name__)\n\n@app.get('/')\ndef root():\n    return {}\n"
DOCKERFILE = """\
FROM python:3.13-slim
WORKDIR /srv
COPY . .
RUN pip install -r requirements.txt
EXPOSE 8000
USER 1000
CMD ["python", "serve.py", "8000"]
"""
SERVE = """\
import http.server, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")

http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
SHAPES = {
    "flask": {
        "requirements.txt": "flask==3.1.2\ngunicorn==23.0.0\n",
        "Procfile": "web: gunicorn --bind 127.0.0.1:$PORT app:app\n",
        "app.py": FLASK,
    },
    "dockerfile": {"Dockerfile": DOCKERFILE, "requirements.txt": "", "serve.py": SERVE},
}


def _project(name: str, folder: Path, common: dict[str, str]) -> Project:
    root = folder / name
    if name in SHAPES:
        root.mkdir()
        return Project(root, dict(common)).write(SHAPES[name])
    ours = ("dist", "__pycache__", "buildspec.yaml", "noxfile.py")
    shutil.copytree(EXAMPLES / name, root, ignore=shutil.ignore_patterns(*ours))
    return Project(root, dict(common))


def _init(project: Project, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "nox_buildkit", *words],
        cwd=project.root,
        env=project.environment({}),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", ["fastapi", "pip-freeze", *SHAPES])
def test_a_new_project_answers_without_an_edit(
    name: str, common: dict[str, str], private_engine: PrivateEngine, tmp_path: Path
) -> None:
    project = _project(name, tmp_path, common)
    done = _init(project, "init", "--base", "debian")
    assert done.returncode == 0, done.stderr
    assert done.stderr.endswith("wrote buildspec.yaml\nwrote noxfile.py\nnext: nox -s build\n")
    image = next(iter(json.loads(project.ok("plan", "--json").stdout)["images"]))["name"]
    project.ok("build", "--platform", "linux/amd64", "--load")
    tag = project.record()["images"][image]["tags"][-1]
    port = free_port()
    with running(private_engine.client, tag, "linux/amd64", {}, port) as container:
        assert answer_of(container, port, 60) is not None


def test_no_file_is_overwritten(project: Project) -> None:
    before = {path: path.read_bytes() for path in project.root.rglob("*") if path.is_file()}
    done = project.nox("init")
    assert "buildspec.yaml is there already, and stays as it is; '--diff' shows" in done.cause
    assert done.cause.codes == ["NBK106"]
    shown = project.ok("init", "--diff").stdout
    assert shown.startswith("--- ")
    assert "+  # A program, found in app/__main__.py." in shown
    document = json.loads(project.ok("init", "--json").stdout)
    assert document["images"][0]["command"] == ["python", "-m", "app"]
    after = {path: path.read_bytes() for path in project.root.rglob("*") if path.is_file()}
    assert {p: c for p, c in after.items() if "__pycache__" not in str(p)} == before


def test_a_noxfile_of_others_gets_a_note(project: Project) -> None:
    (project.root / "buildspec.yaml").unlink()
    project.write({"noxfile.py": "import nox\n"})
    done = _init(project, "init")
    assert "note: add to noxfile.py: from nox_buildkit import register; register()" in done.stderr
    assert (project.root / "noxfile.py").read_text() == "import nox\n"


def test_help_of_init_without_a_noxfile(project: Project) -> None:
    done = _init(project, "init", "--help")
    assert done.returncode == 0
    assert "python -m nox_buildkit init [options]" in done.stdout
