"""Changed projects that init looks at: whatever stands in them, it proposes something readable."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import yaml

from nox_buildkit.buildspec.reading.load import parse
from nox_buildkit.init.project import propose
from nox_buildkit.init.text import buildspec_text
from tests.fuzz.mutate import mutated, of_bytes, of_lines, of_tokens
from tests.support import shapes

RICH = """\
# escape=\\
ARG TAG=3.13 NAME="a b"
FROM python:${TAG:-3.${MINOR:-12}}-slim AS build
RUN --mount=type=bind,from=0,target=/x <<-"EOF"
	pip install -rrequirements.txt
	EOF
FROM below
ENV A=$NAME B='$A' C="${A:+$B}:$PATH" OLD_TOKEN=x
LABEL "one two"="three" four=$TAG
WORKDIR /usr/src/app
COPY --chown=app --exclude=*.md --parents serve.py *.py ./
COPY --from=build /usr/src/app /usr/src/app
COPY <<a <<b /data/
one
a
two
b
ADD --checksum=x a.tar.gz /data/
WORKDIR src
EXPOSE 8000-8002/TCP "9001"
HEALTHCHECK --interval=5s CMD curl -f http://localhost/ || exit 1
CMD python serve.py :${PORT}
ENTRYPOINT ["sh", "-c"]
"""
DOCKERFILES = (shapes.DOCKERFILE, shapes.STAGES, shapes.TARGETS, shapes.MOVED, RICH)
BAKE = {
    "variable": {"TAG": {"default": "1.0"}},
    "group": {"default": {"targets": ["api", "workers"]}, "workers": {"targets": ["worker"]}},
    "target": {
        "common": {"args": {"LEVEL": "1"}, "platforms": ["linux/arm64"]},
        "api": {
            "inherits": ["common"],
            "tags": ["registry.example/octocat/api:${TAG}"],
            "cache-to": ["type=registry,ref=registry.example/cache"],
            "labels": {"team": "a"},
            "secret": ["id=a"],
        },
        "worker": {"contexts": {"below": "target:api"}, "target": "final"},
    },
}
CODE = {
    "app.py": shapes.FLASK,
    "manage.py": shapes.MANAGE,
    "setup.py": shapes.SETUP,
    "site_of_test/settings.py": shapes.SETTINGS,
    "Procfile": "web: python -V && gunicorn --bind :$PORT a:app\nclock: python -m clock\n",
    "requirements/base.txt": "-r prod.txt\nflask\n",
}


def changed_project(random: Random) -> dict[str, bytes]:
    """The files of a project, most of them changed."""
    files = {"serve.py": shapes.SERVE.encode(), "requirements.txt": shapes.WEB.encode()}
    kind = random.randrange(4)
    if kind < 3:
        files["Dockerfile"] = _text(random.choice(DOCKERFILES), random)
    if kind == 1:
        compose = shapes.COMPOSE.encode()
        files["compose.yaml"] = mutated(compose, yaml.safe_load, _dump, random)
    elif kind == 2:
        bake = json.dumps(BAKE, indent=1).encode()
        files["docker-bake.json"] = mutated(bake, json.loads, json.dumps, random)
    elif kind == 3:
        name = random.choice(sorted(CODE))
        files |= {name: text.encode() for name, text in CODE.items()}
        files[name] = _text(CODE[name], random)
    return files


def read_project(folder: Path, files: dict[str, bytes]) -> None:
    """Propose a buildspec for what lies in ``folder``, and read it."""
    proposal = propose(folder, sorted(files))
    parse(buildspec_text(proposal, base="debian"), "buildspec.yaml")


def _text(text: str, random: Random) -> bytes:
    if random.randrange(4) == 0:
        return of_bytes(text.encode(), random)
    for _ in range(random.choice((1, 1, 2, 4))):
        text = random.choice((of_tokens, of_lines))(text, random)
    return text.encode(errors="surrogatepass")


def _dump(tree: Any) -> str:
    return yaml.safe_dump(tree, allow_unicode=True, sort_keys=False)
