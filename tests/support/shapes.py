"""Small projects of the shapes that people have, none of which has anything of ours."""

from __future__ import annotations

from dataclasses import dataclass

FLASK = """\
import flask

app = flask.Flask(__name__)


@app.get("/")
def root():
    return {"shape": "flask"}
"""
FACTORY = """\
from fastapi import FastAPI


def create_app() -> FastAPI:
    app = FastAPI()

    @app.get("/")
    def root():
        return {"shape": "factory"}

    return app
"""
STARLETTE = """\
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route


async def root(request):
    return JSONResponse({"shape": "starlette"})


app = Starlette(routes=[Route("/", root)])
"""
AIOHTTP = """\
import os

from aiohttp import web


async def root(request):
    return web.json_response({"shape": "aiohttp"})


app = web.Application()
app.add_routes([web.get("/", root)])

if __name__ == "__main__":
    web.run_app(app, port=int(os.environ.get("PORT", "8000")))
"""
#: Answers with the standard library alone.
SERVE = """\
import http.server
import json
import os
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        content = json.dumps({"shape": "serve", "level": os.environ.get("LEVEL")}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def main():
    port = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("PORT", "8000")
    http.server.HTTPServer(("", int(port)), Handler).serve_forever()


if __name__ == "__main__":
    main()
"""
SETTINGS = """\
SECRET_KEY = "of a test"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "site_of_test.urls"
"""
URLS = """\
from django.http import JsonResponse
from django.urls import path

urlpatterns = [path("", lambda request: JsonResponse({"shape": "django"}))]
"""
MANAGE = """\
import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_of_test.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
"""
WSGI = "from django.core.wsgi import get_wsgi_application\n\napplication = get_wsgi_application()\n"
CELERY = """\
from celery import Celery

app = Celery("of_test", broker="memory://", backend="cache+memory://")


@app.task
def add(a, b):
    return a + b
"""
WEB = "flask>=3.1,<4\ngunicorn>=23,<26\n"
API = "fastapi>=0.115,<1\nuvicorn>=0.34,<1\n"
#: Of the index of the tests.
PLAIN = "plain==1.0\n"
DOCKERFILE = """\
ARG PYTHON=3.13
FROM python:${PYTHON}-slim
RUN apt-get update && apt-get install -y --no-install-recommends media-types \\
    && rm -rf /var/lib/apt/lists/*
RUN useradd --uid 1000 --create-home app && mkdir -p /srv/state && chown app /srv/state
WORKDIR /srv/site
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . .
COPY settings.ini /etc/site/settings.ini
ENV LEVEL=high
USER app
EXPOSE 8000
HEALTHCHECK --interval=30s CMD python -c "import urllib.request" || exit 1
CMD exec python serve.py 8000
"""
STAGES = """\
FROM python:3.13 AS build
RUN apt-get update && apt-get install -y build-essential libyaml-dev
COPY requirements/prod.txt /tmp/prod.txt
RUN python -m venv /venv && /venv/bin/pip install -r /tmp/prod.txt
FROM python:3.13-slim AS base
ENV PATH=/venv/bin:$PATH LEVEL=low
WORKDIR /usr/src/app
FROM base AS debug
CMD ["python", "-i"]
FROM base AS final
COPY --from=build /venv /venv
COPY . .
EXPOSE 8000
CMD ["sh", "-c", "python -V && python /usr/src/app/serve.py ${PORT:-8000}"]
"""
MOVED = """\
FROM python:3.13-slim
WORKDIR /app
COPY requirements.txt .
RUN --mount=type=cache,target=/root/.cache pip install -r requirements.txt
COPY code/ .
COPY --chmod=755 code/start.sh /usr/local/bin/start
ENTRYPOINT ["start"]
CMD ["8000"]
"""
COMPOSE = """\
x-common: &common
  build: {context: ., args: {FLAVOUR: sweet}}
  environment: {LEVEL: "high", API_TOKEN: "${API_TOKEN}"}
services:
  composed-web:
    <<: *common
    command: python serve.py 8000
    ports: ["8080:8000"]
    volumes: ["state:/srv/state"]
    healthcheck: {test: ["CMD", "python", "-V"], interval: 30s}
  composed-worker:
    <<: *common
    command: python -c "print('works')"
  db:
    image: postgres:17
volumes: {state: {}}
"""
BAKE = """\
variable "TAG" { default = "2.0" }
group "default" { targets = ["baked-api", "baked-worker"] }
group "services" { targets = ["baked-api"] }
target "common" {
  platforms = ["linux/amd64", "linux/arm64"]
  args = { LEVEL = "high" }
}
target "baked-api" {
  inherits = ["common"]
  tags = ["registry.example/octocat/baked-api:${TAG}"]
}
target "baked-worker" {
  inherits = ["common"]
  target = "worker"
  secret = ["id=token"]
}
"""
TARGETS = """\
FROM python:3.13-slim AS worker
ARG LEVEL
WORKDIR /app
COPY . .
CMD ["python", "-c", "print('works')"]
FROM worker
EXPOSE 8000
CMD ["python", "serve.py", "8000"]
"""
MEMBER = """\
[project]
name = "member"
version = "1.0"
requires-python = ">=3.11"
dependencies = ["plain==1.0"]
"""
PDM_PROJECT = """\
[project]
name = "of-pdm"
version = "0.1.0"
requires-python = ">=3.12"
dependencies = ["plain==1.0"]
[[tool.pdm.source]]
name = "pypi"
url = "INDEX"
verify_ssl = false
"""
PIPFILE = """\
[[source]]
url = "INDEX"
verify_ssl = false
name = "local"
[packages]
plain = "==1.0"
"""
SETUP = """\
from setuptools import setup

setup(
    name="of-setup",
    version="1.0",
    py_modules=["serve"],
    install_requires=["itsdangerous>=2,<3"],
    entry_points={"console_scripts": ["serve-it = serve:main"]},
)
"""
SCRIPTS = """\
[project]
name = "of-scripts"
version = "1.0"
requires-python = ">=3.11"
dependencies = ["plain==1.0"]
[project.scripts]
serve-it = "served:main"
[build-system]
requires = ["uv_build>=0.8"]
build-backend = "uv_build"
"""
DJANGO = {"manage.py": MANAGE, "site_of_test/__init__.py": "",
          "site_of_test/settings.py": SETTINGS, "site_of_test/urls.py": URLS}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shape:
    """``files`` of a project; ``command``: what is proposed for its first image.

    ``shape``: what its first image answers with; where that is empty, it is planned only.
    ``lock``: the tool that has made its lock; INDEX in a file stands for the index; ``local``:
    whether all that it requires is in there.
    """

    name: str
    files: dict[str, str]
    command: list[str]
    shape: str = ""
    images: tuple[str, ...] = ()
    lock: str = ""
    local: bool = True


HOST = ["--host", "0.0.0.0", "--port", "8000"]  # noqa: S104 - in a container
BIND = ["gunicorn", "--bind", "0.0.0.0:8000"]
SERVED = ["python", "serve.py", "8000"]
SHAPES = (
    Shape("factory", {"requirements.txt": API, "shop/app.py": FACTORY, "shop/__init__.py": ""},
          ["uvicorn", "shop.app:create_app", "--factory", *HOST], "factory", local=False),
    Shape("source-layout", {"requirements.txt": WEB, "src/shop/__init__.py": FLASK},
          [*BIND, "shop:app"], "flask", local=False),
    Shape("django-wsgi", {"requirements.txt": "django>=5.2,<5.3\ngunicorn>=23,<26\n", **DJANGO,
                          "site_of_test/wsgi.py": WSGI},
          [*BIND, "site_of_test.wsgi"], "django", local=False),
    Shape("django-asgi", {"requirements.txt": "django>=5.2,<5.3\nuvicorn>=0.34,<1\n", **DJANGO,
                          "site_of_test/asgi.py": WSGI.replace("wsgi", "asgi")},
          ["uvicorn", "site_of_test.asgi:application", *HOST], "django", local=False),
    Shape("starlette", {"requirements.txt": "starlette<1\nuvicorn>=0.34,<1\n", "web.py": STARLETTE},
          ["uvicorn", "web:app", *HOST], "starlette", local=False),
    Shape("celery", {"requirements.txt": "celery>=5.4,<6\n", "jobs.py": CELERY},
          ["celery", "-A", "jobs:app", "worker", "--loglevel", "INFO"], local=False),
    Shape("aiohttp", {"requirements.txt": "aiohttp>=3.11,<4\n", "main.py": AIOHTTP},
          ["python", "main.py"], "aiohttp", local=False),
    Shape("procfile", {"requirements.txt": WEB, "wsgi.py": FLASK,
                       "Procfile": "web: gunicorn --bind 0.0.0.0:$PORT wsgi:app\n"
                                   "clock: python -V && python wsgi.py\nrelease: true\n"},
          ["gunicorn", "--bind", "0.0.0.0:${PORT:-8000}", "wsgi:app"], "flask",
          ("init-procfile", "clock"), local=False),
    Shape("dockerfile", {"Dockerfile": DOCKERFILE, "requirements.txt": PLAIN, "serve.py": SERVE,
                         "settings.ini": "[site]\n"}, SERVED, "serve"),
    Shape("stages", {"Dockerfile": STAGES, "requirements/prod.txt": "-r base.txt\n",
                     "requirements/base.txt": PLAIN, "serve.py": SERVE},
          ["python", "/app/serve.py", "${PORT:-8000}"], "serve"),
    Shape("moved", {"Dockerfile": MOVED, "requirements.txt": PLAIN, "code/serve.py": SERVE,
                    "code/start.sh": "#!/bin/sh\nexec python serve.py \"$@\"\n"},
          ["8000"], "serve"),
    Shape("compose", {"compose.yaml": COMPOSE, "requirements.txt": PLAIN, "serve.py": SERVE,
                      "Dockerfile": "FROM python:3.13-slim\nARG FLAVOUR\nWORKDIR /app\nCOPY . .\n"},
          SERVED, "serve", ("composed-web",)),
    Shape("bake", {"docker-bake.hcl": BAKE, "Dockerfile": TARGETS, "requirements.txt": PLAIN,
                   "serve.py": SERVE}, SERVED, "serve", ("baked-api", "baked-worker")),
    Shape("pipenv", {"Pipfile": PIPFILE, "main.py": SERVE}, ["python", "main.py"],
          lock="pipenv"),
    Shape("pdm", {"pyproject.toml": PDM_PROJECT, "main.py": SERVE}, ["python", "main.py"],
          images=("of-pdm",), lock="pdm"),
    Shape("workspace", {"pyproject.toml": "[tool.uv.workspace]\nmembers = ['members/*']\n",
                        "members/one/pyproject.toml": MEMBER, "members/one/main.py": SERVE},
          ["python", "main.py"], images=("member",), lock="uv"),
    Shape("two-files", {"requirements/base.txt": PLAIN, "requirements/prod.txt": "fast\n",
                        "requirements/dev.txt": "missing\n", "main.py": SERVE},
          ["python", "main.py"]),
    Shape("setup", {"setup.py": SETUP, "serve.py": SERVE}, ["serve-it"], images=("init-setup",),
          local=False),
    Shape("script", {"backup.py": SERVE, ".python-version": "3.13\n"}, ["python", "backup.py"],
          "serve"),
    Shape("scripts", {"pyproject.toml": SCRIPTS, "src/of_scripts/__init__.py": "",
                      "src/served/__init__.py": SERVE}, ["serve-it"], images=("of-scripts",)),
)  # fmt: skip
