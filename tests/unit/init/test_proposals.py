"""Projects of many shapes, and the buildspec that is proposed for each."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from nox_buildkit.commands.init import run
from tests.unit.init.projects import proposed

FASTAPI = "from fastapi import FastAPI\n\napp = FastAPI()\n"
FLASK = "import flask\n\napplication = flask.Flask(__name__)\n"
HOST = ["--host", "0.0.0.0", "--port", "8000"]  # noqa: S104


@pytest.mark.parametrize(
    ("files", "command"),
    [
        (
            {"requirements.txt": "fastapi[standard]\n", "main.py": FASTAPI},
            ["fastapi", "run", "main.py", *HOST],
        ),
        (
            {
                "requirements.txt": "fastapi[standard]==0.120\n",
                "app/main.py": FASTAPI.replace("app =", "server ="),
            },
            ["fastapi", "run", "app/main.py", "--app", "server", *HOST],
        ),
        (
            {
                "pyproject.toml": "[project]\ndependencies = ['fastapi', 'uvicorn']\n",
                "m.py": FASTAPI,
            },
            ["uvicorn", "m:app", *HOST],
        ),
        (
            {"Pipfile": "[packages]\nfastapi = '*'\nhypercorn = '*'\n", "app/__init__.py": FASTAPI},
            ["hypercorn", "app:app", "--bind", "0.0.0.0:8000"],
        ),
        (
            {"requirements.in": "fastapi\ngranian\n", "app/main.py": FASTAPI},
            ["granian", "--interface", "asgi", *HOST, "app.main:app"],
        ),
        (
            {
                "requirements.txt": "starlette\nuvicorn  # to serve\n",
                "web.py": "def create_app():\n    return Starlette()\n",
            },
            ["uvicorn", "web:create_app", "--factory", *HOST],
        ),
        (
            {"requirements.txt": "flask\ngunicorn\n", "wsgi.py": FLASK},
            ["gunicorn", "--bind", "0.0.0.0:8000", "wsgi:application"],
        ),
        (
            {
                "requirements.txt": "flask\ngunicorn\n",
                "shop/__init__.py": "def create_app():\n    a = Flask('shop')\n    return a\n",
            },
            ["gunicorn", "--bind", "0.0.0.0:8000", "shop:create_app()"],
        ),
        (
            {"requirements.txt": "flask\nwaitress\n", "app.py": FLASK},
            ["waitress-serve", "--listen=0.0.0.0:8000", "app:application"],
        ),
        (
            {
                "requirements.txt": "django\ngunicorn\n",
                "manage.py": "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'a.settings.b')",
            },
            ["gunicorn", "--bind", "0.0.0.0:8000", "a.wsgi"],
        ),
        (
            {"requirements.txt": "celery\n", "tasks.py": "queue = Celery('tasks')\n"},
            ["celery", "-A", "tasks:queue", "worker", "--loglevel", "INFO"],
        ),
        ({"job.py": "if __name__ == '__main__':\n    pass\n"}, ["python", "job.py"]),
        ({"job/__main__.py": "print()\n"}, ["python", "-m", "job"]),
        (
            {"pyproject.toml": "[project]\nname = 'a'\n[project.scripts]\nrun-it = 'a:main'\n"},
            ["run-it"],
        ),
        (
            {"Procfile": "# ours\nweb: gunicorn app:app --bind 0.0.0.0:$PORT\n", "app.py": FLASK},
            ["gunicorn", "app:app", "--bind", "0.0.0.0:${PORT:-8000}"],
        ),
        (
            {
                "Procfile": "web: serve $PORTAL\n",
                "Dockerfile": 'FROM a\nCMD ["echo", "${HOME}", "$A"]\n',
            },
            ["echo", "$${HOME}", "$$A"],
        ),
        (
            {"Dockerfile": 'FROM python:3.12-slim\nCMD ["python", "-m", "shop"]\n'},
            ["python", "-m", "shop"],
        ),
        (
            {"Dockerfile": "FROM python:3.12\nCMD python -m shop\n", "app.py": FLASK},
            ["python", "-m", "shop"],
        ),
        (
            {
                "requirements.txt": "litestar\nuvicorn\n",
                "src/shop/asgi.py": "a: A = Litestar()\n",
            },
            ["uvicorn", "shop.asgi:a", *HOST],
        ),
        (
            {"a.py": "def (:\n", "main.py": "if __name__ == '__main__': x()\n"},
            ["python", "main.py"],
        ),
        ({"readme.md": ""}, ["python", "-m", "http.server", "8000"]),
    ],
)
def test_a_command_is_found(tmp_path: Path, files: dict[str, str], command: list[str]) -> None:
    images, _ = proposed(tmp_path, files)
    assert [list(image.command) for image in images.values()] == [command]


def test_what_serves_and_what_works_are_two_images(tmp_path: Path) -> None:
    files = {
        "requirements.txt": "fastapi[standard]\ncelery\n",
        "main.py": FASTAPI,
        "tasks.py": "app = Celery()\n",
        "tests/app.py": FASTAPI,
    }
    images, notes = proposed(tmp_path, files)
    assert list(images) == ["shop", "worker"]
    assert list(images["shop"].expose) == ["8000/tcp"]
    assert not images["worker"].expose
    assert notes == ""


def test_doubts_are_told(tmp_path: Path) -> None:
    _, notes = proposed(tmp_path / "1", {"requirements.txt": "fastapi\n", "main.py": FASTAPI})
    assert notes == "main.py: add uvicorn to the requirements"
    _, notes = proposed(tmp_path / "2", {"requirements.txt": "flask\n", "app.py": FLASK})
    assert "this is Flask's server for development" in notes
    _, notes = proposed(tmp_path / "3", {"a.txt": ""})
    assert notes == "no entry point was found: set 'command' in buildspec.yaml"


DOCKERFILE = """\
FROM node:20 AS front
RUN npm ci
FROM python:3.12-slim-bookworm
ARG VERSION=1
ENV PYTHONUNBUFFERED=1 LOG_LEVEL=info \\
    NAME="a b"
RUN apt-get update && apt-get install -y --no-install-recommends \\
      libpq5 curl \\
    && rm -rf /var/lib/apt/lists/*
WORKDIR /srv/shop
COPY requirements.txt .
RUN pip install -r requirements.txt && python manage.py collectstatic
COPY . .
EXPOSE 9000
USER 1000
STOPSIGNAL SIGINT
HEALTHCHECK --interval=30s CMD ["curl", "-f", "http://localhost:9000"]
ENTRYPOINT ["tini", "--"]
CMD ["gunicorn", "shop.wsgi"]
"""


def test_a_dockerfile_is_taken_over(tmp_path: Path) -> None:
    images, notes = proposed(tmp_path, {"Dockerfile": DOCKERFILE, "app.py": FLASK})
    (image,) = images.values()
    assert image.python == "3.12"
    assert list(image.apt) == ["libpq5", "curl"]
    assert image.env == {"LOG_LEVEL": "info", "NAME": "a b"}
    assert image.workdir == "/srv/shop"
    assert list(image.expose) == ["9000/tcp"]
    assert image.user == "1000"
    assert list(image.entrypoint) == ["tini", "--"]
    assert list(image.command) == ["gunicorn", "shop.wsgi"]
    assert list(image.healthcheck.test) == ["curl", "-f", "http://localhost:9000"]
    assert notes.splitlines() == [
        "Dockerfile: pip install -r requirements.txt: there is no such file",
        "Dockerfile:12: RUN python manage.py collectstatic: not taken over",
    ]
    # It was read, and no more.
    assert (tmp_path / "shop/Dockerfile").read_text() == DOCKERFILE


def test_members_of_a_workspace_are_images(tmp_path: Path) -> None:
    files = {
        "pyproject.toml": "[tool.uv.workspace]\nmembers = ['packages/*']\n",
        "packages/api/pyproject.toml": "[project]\nname = 'api'\ndependencies = ['uvicorn']\n",
        "packages/api/main.py": FASTAPI,
        "packages/common/pyproject.toml": "[project]\nname = 'common'\n",
    }
    images, _ = proposed(tmp_path, files)
    assert {name: image.context for name, image in images.items()} == {"api": "packages/api"}


def test_names_of_files_break_out_of_no_comment(tmp_path: Path) -> None:
    images, _ = proposed(tmp_path, {"a\n  evil: {}/main.py": FASTAPI})
    assert list(images) == ["shop"]


def test_what_contradicts_the_rest_is_left_out_alone(tmp_path: Path) -> None:
    lines = "COPY . .\nCOPY a.ini /data/a\nCOPY b.ini /data/a\nCOPY c.ini /data/c\nCMD serve\n"
    text = f"FROM python:3.13-slim\nWORKDIR /app\n{lines}"
    files = dict.fromkeys(("a.ini", "b.ini", "c.ini"), "")
    images, notes = proposed(tmp_path, {"Dockerfile": text, **files})
    placed = [each.source for each in images["shop"].files]
    assert len(placed) == 2
    assert "c.ini" in placed
    assert "shop: files." in notes


SHARED = """\
FROM python:3.12-slim
WORKDIR /srv
RUN apt-get install -y libpq5
COPY . .
ENV LEVEL=low
EXPOSE 9000
HEALTHCHECK CMD ["check"]
CMD ["gunicorn", "main:app"]
"""


@pytest.mark.parametrize(
    "files",
    [
        {"main.py": FASTAPI, "tasks.py": "app = Celery()\n"},
        {"Procfile": "worker: celery -A tasks worker\nweb: uvicorn main:app\n"},
    ],
)
def test_a_dockerfile_is_of_all_images_and_starts_one(
    files: dict[str, str], tmp_path: Path
) -> None:
    requirements = {"requirements.txt": "fastapi\ncelery\n"}
    images, _ = proposed(tmp_path, {**files, **requirements, "Dockerfile": SHARED})
    assert sorted(images) == ["shop", "worker"]
    for image in images.values():
        assert (image.python, image.workdir, image.apt) == ("3.12", "/srv", ("libpq5",))
        assert image.env["LEVEL"] == "low"
    web, worker = images["shop"], images["worker"]
    assert list(web.command) == ["gunicorn", "main:app"]
    assert web.expose == ("9000/tcp",)
    assert web.healthcheck
    assert worker.command[0] == "celery"
    assert not worker.expose
    assert worker.healthcheck is None


@pytest.mark.parametrize(
    ("command", "ports"),
    [
        ('["gunicorn", "-b", ":5000", "main:app"]', ("5000/tcp",)),
        ("gunicorn --bind=0.0.0.0:${PORT:-5000} main:app", ("5000/tcp",)),
        ('["uvicorn", "main:app", "--port", "5000"]', ("5000/tcp",)),
        ("set -e; gunicorn -b :5000 main:app", ("5000/tcp",)),
        ('["gunicorn", "-t", "1200", "main:app"]', ("8000/tcp",)),
        ('["serve", "redis://redis:6379"]', ("8000/tcp",)),
    ],
)
def test_a_port_is_that_of_the_command(
    command: str, ports: tuple[str, ...], tmp_path: Path
) -> None:
    text = f"FROM python:3.13-slim\nWORKDIR /app\nCOPY . .\nCMD {command}\n"
    files = {"requirements.txt": "fastapi\n", "main.py": FASTAPI, "Dockerfile": text}
    images, _ = proposed(tmp_path, files)
    assert images["shop"].expose == ports


@pytest.mark.parametrize("name", ["2048", "on", "null", "1_0"])
def test_a_name_may_be_a_value_of_yaml(name: str, tmp_path: Path) -> None:
    files = {
        "pyproject.toml": f"[project]\nname = '{name}'\nversion = '1'\n",
        "main.py": FASTAPI,
        "web.txt": "fastapi\n",
        "Dockerfile": "FROM python:3.13-slim\nCOPY . .\nRUN pip install -r web.txt\n",
    }
    images, _ = proposed(tmp_path, files)
    assert list(images) == [name]


def test_a_workspace_may_name_its_root_and_exclude_members(tmp_path: Path) -> None:
    table = "members = ['.', 'packages/*', '/etc/*', '../*']\nexclude = ['packages/old*']\n"
    files = {"pyproject.toml": f"[tool.uv.workspace]\n{table}"}
    for name in ("api", "old-api"):
        files[f"packages/{name}/pyproject.toml"] = f"[project]\nname = '{name}'\n"
        files[f"packages/{name}/main.py"] = FASTAPI
    images, _ = proposed(tmp_path, files)
    assert list(images) == ["api"]


def test_notes_have_no_credentials(tmp_path: Path) -> None:
    text = "FROM python:3.13-slim\nRUN wget https://me:hunter2@host.example/a?key=hunter2\n"
    text += "ADD https://me:hunter2@host.example/b /data/b\nCMD serve\n"
    _, notes = proposed(tmp_path, {"Dockerfile": text})
    assert notes.count("https://***@host.example/") == 2
    assert "hunter2" not in notes


def test_a_buildspec_in_another_encoding_can_be_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "main.py").write_text(FASTAPI)
    path = tmp_path / "buildspec.yaml"
    path.write_bytes("# größer\n".encode("latin-1"))
    run(path, argparse.Namespace(base="", json=False, diff=True))
    assert "-# gr\ufffd\ufffder" in capsys.readouterr().out
