"""Compose files: an image for each build, and what stays where containers are started."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.init.projects import proposed

PYTHON = "FROM python:3.13-slim\nWORKDIR /app\nCOPY . .\n"
APP = {"Dockerfile": PYTHON, "app.py": "print()\n"}


def of(folder: Path, service: str, **files: str) -> tuple[Any, str]:
    """The one image of a compose file with one service, and the notes."""
    text = "services:\n  web:\n    build: .\n" + service
    given = {name.replace("_", "."): text for name, text in files.items()}
    images, notes = proposed(folder, {**APP, "compose.yaml": text, **given})
    (image,) = images.values()
    return image, notes


def test_what_a_service_says_has_the_last_word(tmp_path: Path) -> None:
    image, notes = of(
        tmp_path,
        "    command: python app.py --level 1\n"
        "    entrypoint: [tini, --]\n"
        "    environment: {LEVEL: low, DEBUG: false}\n"
        "    user: '1000:1000'\n"
        "    stop_signal: SIGINT\n"
        "    ports: ['127.0.0.1:80:8000', '53:53/udp', {target: 9000, published: '1'}]\n"
        "    expose: [7000, '7001-7002']\n"
        "    volumes: ['data:/srv/data', './:/app', /srv/more, {type: volume, target: /srv/x}]\n"
        "    healthcheck: {test: curl -f http://localhost || exit 1, retries: 3, timeout: 5s}\n"
        "    platform: linux/arm64\n"
        "    restart: always\n",
    )
    assert list(image.command) == ["python", "app.py", "--level", "1"]
    assert list(image.entrypoint) == ["tini", "--"]
    assert image.env == {"LEVEL": "low", "DEBUG": "false"}
    assert image.user == "1000:1000"
    assert image.stop_signal == "SIGINT"
    assert list(image.expose) == ["8000/tcp", "53/udp", "9000/tcp", "7000/tcp", "7001/tcp",
                                  "7002/tcp"]  # fmt: skip
    assert list(image.volumes) == ["/srv/data", "/srv/more", "/srv/x"]
    assert list(image.healthcheck.test) == ["curl", "-f", "http://localhost"]
    assert image.healthcheck.retries == 3
    assert list(image.platforms) == ["linux/arm64"]
    assert notes == ""


@pytest.mark.parametrize(
    ("service", "command"),
    [
        ("command: sh -c 'python app.py && serve'", ["serve"]),
        ("command: [sh, -c, 'serve $$PORT | tee']", ["sh", "-c", "serve $PORT | tee"]),
        ("command: serve ${LEVEL:-low}", ["serve", "low"]),
        ("entrypoint: [serve]", None),
    ],
)
def test_a_command_is_in_exec_form(service: str, command: list[str] | None, tmp_path: Path) -> None:
    image, _ = of(tmp_path, f"    {service}\n")
    assert (list(image.command) if image.command else None) == command


@pytest.mark.parametrize(
    ("service", "note"),
    [
        (
            "command: serve $LEVEL",
            "compose.yaml:4: command: stays in compose.yaml: only the machine that starts it "
            "knows LEVEL",
        ),
        (
            "environment: [API_TOKEN=abc]",
            "compose.yaml:4: environment: stays in compose.yaml: API_TOKEN: everyone who has an "
            "image can read it",
        ),
        (
            "environment: {DATABASE_URL: 'postgres://me:secret@db/shop'}",
            "compose.yaml:4: environment: stays in compose.yaml: DATABASE_URL: everyone",
        ),
        (
            "environment: [HERE]",
            "compose.yaml:4: environment: stays in compose.yaml: HERE: only the machine",
        ),
        (
            "env_file: .env",
            "compose.yaml:4: env_file: stays in compose.yaml: .env is no file of the project",
        ),
        ("user: Me", "compose.yaml:3: user Me: not taken over: 'Me' is not a user"),
        ("working_dir: /srv", "compose.yaml:3: working_dir /srv: the sources are elsewhere"),
    ],
)
def test_what_stays_there_is_said_with_its_line(service: str, note: str, tmp_path: Path) -> None:
    image, notes = of(tmp_path, f"    {service}\n")
    assert note in notes
    assert not image.env


def test_a_file_of_variables_that_is_committed_is_read(tmp_path: Path) -> None:
    image, notes = of(
        tmp_path,
        "    env_file: [./web.env]\n    environment: {LEVEL: high}\n",
        web_env="# ours\nexport LEVEL=low\nNAME='a b'  \nPLACE=here # there\nAPI_TOKEN=abc\n",
    )
    assert image.env == {"LEVEL": "high", "NAME": "a b", "PLACE": "here"}
    assert "API_TOKEN" in notes


SERVICES = """\
services:
  worker:
    build: &build {context: app, target: final, args: [LEVEL=1, GIT_TOKEN=a], ssh: [default]}
    command: python work.py
    environment: {ROLE: worker, MODE: low}
  web:
    build: *build
    command: python app.py
    ports: [8000]
    environment: {ROLE: web, MODE: low}
    healthcheck: {test: [CMD, python, -V]}
  front:
    build: front
  other:
    extends: {service: web}
    build: {dockerfile: other.Dockerfile}
  db:
    image: postgres
"""


def test_services_of_one_build_are_one_image(tmp_path: Path) -> None:
    files = {
        "compose.yaml": SERVICES,
        "app/Dockerfile": "FROM python:3.13-slim AS final\nARG LEVEL\nWORKDIR /app\n",
        "other.Dockerfile": "FROM python:3.13-slim\nWORKDIR /app\n",
        "front/Dockerfile": "FROM node:20\nRUN npm ci\n",
        "app.py": "",
    }
    # What a service extends keeps its folder, here and for Compose.
    files["app/other.Dockerfile"] = files.pop("other.Dockerfile")
    images, notes = proposed(tmp_path, files)
    assert list(images) == ["web", "other"]
    web = images["web"]
    assert web.context == "app"
    assert list(web.command) == ["python", "app.py"]
    assert list(web.expose) == ["8000/tcp"]
    assert web.args == {"LEVEL": "1"}
    # A worker that is not the server would never be healthy.
    assert web.healthcheck is None
    assert web.env == {"MODE": "low"}
    assert images["other"].healthcheck is not None
    for note in (
        "compose.yaml:3: build.ssh: not taken over",
        "compose.yaml:3: build.args.GIT_TOKEN: not taken over: everyone who has an image",
        "compose.yaml:10: environment: stays in compose.yaml: ROLE: not all services of this",
        "compose.yaml:13: front: not taken over: no Python is in it",
    ):
        assert note in notes


def test_a_compose_file_without_builds_changes_nothing(tmp_path: Path) -> None:
    text = "services: {db: {image: postgres}}\n"
    images, notes = proposed(tmp_path, {**APP, "docker-compose.yml": text})
    assert list(images) == ["shop"]
    images, notes = proposed(tmp_path, {**APP, "docker-compose.yml": "services: [\n"})
    assert list(images) == ["shop"]
    assert "docker-compose.yml: not taken over: it cannot be read" in notes


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"a{n + 1}: &a{n + 1} {{<<: [*a{n}, *a{n}]}}\n" for n in range(60)),
        "".join(f"a{n + 1}: &a{n + 1} [*a{n}, *a{n}]\n" for n in range(60)),
        "b: &b [*b]\n",
    ],
)
def test_aliases_that_explode_are_not_followed(text: str, tmp_path: Path) -> None:
    compose = f"a0: &a0 {{k: v}}\n{text}services: {{web: {{build: .}}}}\n"
    _, notes = proposed(tmp_path, {**APP, "compose.yaml": compose})
    assert "compose.yaml: not taken over: it cannot be read" in notes


@pytest.mark.parametrize(
    ("build", "note"),
    [
        ("https://git.example/a.git", "is no folder here"),
        ("missing", "is no folder here"),
        ("{dockerfile: missing}", "there is no missing"),
        ("'${FOLDER}'", "the value of FOLDER is not known"),
    ],
)
def test_a_build_that_is_not_here_is_said(build: str, note: str, tmp_path: Path) -> None:
    _, notes = proposed(tmp_path, {"compose.yaml": f"services:\n  a:\n    build: {build}\n"})
    assert "compose.yaml:3: " in notes
    assert note in notes


def test_a_dockerfile_may_stand_in_the_compose_file(tmp_path: Path) -> None:
    text = (
        "services:\n  a:\n    build:\n      dockerfile_inline: |\n        FROM python:3.13-slim\n"
    )
    text += "        USER 5\n        CMD python app.py\n"
    images, _ = proposed(tmp_path, {"compose.yaml": text})
    assert images["a"].user == "5"
    assert list(images["a"].command) == ["python", "app.py"]


SECRETS = """\
services:
  web:
    build: {context: ., args: {GH_PAT: ghp_x, SIGN_KEY: s, PUBLIC_KEY: p, LEVEL: 1},
            labels: {GIT_TOKEN: hunter2, a: b}}
    environment:
      DB_PASS: hunter2
      MYSQL_PWD: hunter2
      ENCRYPTION_KEY: hunter2
      DB_AUTH: hunter2
      GIT: https://ghp_hunter2@git.example/x
      COMPASS: north
      KEYBOARD: de
    entrypoint: [serve, --db-password, hunter2]
    command: celery --broker=redis://:hunter2@redis worker
    healthcheck: {test: [CMD, check, --token=hunter2]}
"""


def test_secrets_stay_where_containers_are_started(tmp_path: Path) -> None:
    dockerfile = 'FROM python:3.13-slim\nARG GH_PAT SIGN_KEY PUBLIC_KEY LEVEL\nCMD ["serve"]\n'
    files = {"Dockerfile": dockerfile, "compose.yaml": SECRETS}
    image = proposed(tmp_path, files)[0]["web"]
    notes = proposed(tmp_path, files)[1]
    assert image.env == {"COMPASS": "north", "KEYBOARD": "de"}
    assert image.args == {"PUBLIC_KEY": "p", "LEVEL": "1"}
    assert (list(image.command), image.entrypoint) == (["serve"], None)
    assert image.healthcheck is None
    for note in (
        "compose.yaml:3: build.args.GH_PAT: not taken over: everyone",
        "compose.yaml:3: build.labels.GIT_TOKEN: not taken over: everyone",
        "compose.yaml:5: environment: stays in compose.yaml: MYSQL_PWD: everyone",
        "compose.yaml:13: entrypoint: stays in compose.yaml: db-password: everyone who has an",
        "compose.yaml:14: command: stays in compose.yaml: a login: everyone who has an image",
        "compose.yaml:15: healthcheck: stays in compose.yaml: token: everyone who has an image",
    ):
        assert note in notes
    assert "hunter2" not in notes


def test_a_place_of_a_secret_is_none(tmp_path: Path) -> None:
    image, notes = of(tmp_path, "    command: serve --key /run/key --keyfile a --auth --level 1\n")
    assert list(image.command) == [
        "serve", "--key", "/run/key", "--keyfile", "a", "--auth", "--level", "1"
    ]  # fmt: skip
    assert notes == ""


@pytest.mark.parametrize(
    ("service", "key", "value"),
    [
        ("ports: ['${PORT:-8000}:${PORT:-8000}']", "expose", ("8000/tcp",)),
        ("ports: ['${PORT}:8000']", "expose", ("8000/tcp",)),
        ("volumes: ['${DATA:-data}:/srv/${NAME:-x}']", "volumes", ("/srv/x",)),
        ("command: serve --level ${A:-${B:-info}}", "command", ("serve", "--level", "info")),
        ("command: serve ${A:+$B} ${C-}", "command", ("serve",)),
        ("command: ${RUN:-serve --level info}", "command", ("serve", "--level", "info")),
        ("command: [serve, '$${NAME:-x}', '$$$$']", "command", ("serve", "$${NAME:-x}", "$$$$")),
        (
            "environment: {A: yes, B: 12:30, C: true, D: 010, E: 1.5, F: 2020-01-01, G: on}",
            "env",
            {"A": "yes", "B": "12:30", "C": "true", "D": "010", "E": "1.5", "F": "2020-01-01",
             "G": "on"},
        ),
    ],
)  # fmt: skip
def test_values_are_what_compose_makes_of_them(
    service: str, key: str, value: object, tmp_path: Path
) -> None:
    image, notes = of(tmp_path, f"    {service}\n")
    assert getattr(image, key) == value
    assert "stays in" not in notes


def test_variables_that_are_too_deep_stay(tmp_path: Path) -> None:
    image, _ = of(tmp_path, f"    environment: {{A: '{'${A:-' * 5000 + '}' * 5000}'}}\n")
    assert image.env["A"].startswith("${A:-")


def test_lists_of_an_extended_service_are_joined(tmp_path: Path) -> None:
    text = (
        "services:\n  base:\n    build: .\n    environment: [A=1, B=1]\n    ports: ['1:8001']\n"
        "    volumes: ['a:/a']\n    command: [serve]\n"
        "  web:\n    extends: base\n    build: {target: final}\n    environment: {B: 2}\n"
        "    ports: ['2:8002']\n    volumes: ['b:/b']\n    command: [serve, more]\n"
    )
    dockerfile = f"{PYTHON}FROM python:3.13-slim AS final\nWORKDIR /app\n"
    images, _ = proposed(tmp_path, {"Dockerfile": dockerfile, "compose.yaml": text})
    web = images["web"]
    assert web.env == {"A": "1", "B": "2"}
    assert web.expose == ("8001/tcp", "8002/tcp")
    assert web.volumes == ("/a", "/b")
    assert web.command == ("serve", "more")


def test_files_that_are_not_read_are_said(tmp_path: Path) -> None:
    text = (
        "include: [more.yaml]\nservices:\n  web:\n    build: .\n"
        "    extends: {file: a.yaml, service: b}\n"
    )
    _, notes = proposed(tmp_path, {**APP, "compose.yaml": text})
    assert "compose.yaml: include: not read" in notes
    assert "compose.yaml:5: extends: a.yaml: that file is not read" in notes


def test_contexts_of_a_service_are_images(tmp_path: Path) -> None:
    text = (
        "services:\n  assets:\n    build: assets\n  web:\n    build:\n      context: .\n"
        "      additional_contexts: ['assets=service:assets']\n"
    )
    files = {
        "compose.yaml": text,
        "Dockerfile": f'{PYTHON}COPY --from=assets dist /srv/dist\nCMD ["serve"]\n',
        "assets/Dockerfile": f'{PYTHON}CMD ["make"]\n',
    }
    images, _ = proposed(tmp_path, files)
    (file,) = images["web"].files
    assert (file.from_, file.source) == ("target:assets", "/dist")


def test_a_command_starts_in_the_working_folder_of_the_dockerfile(tmp_path: Path) -> None:
    dockerfile = "FROM python:3.13-slim\nWORKDIR /app\nCOPY . .\nWORKDIR src\n"
    service = "    command: sh -c 'before && python main.py'\n"
    image, _ = of(tmp_path, service, Dockerfile=dockerfile)
    assert list(image.command) == ["sh", "-c", "cd src && exec python main.py"]
    assert list(map(list, image.prestart)) == [["sh", "-c", "cd src && exec before"]]


def test_a_folder_of_the_system_is_app_for_a_service_too(tmp_path: Path) -> None:
    image, notes = of(
        tmp_path,
        "    working_dir: /usr/src/app\n    command: /usr/src/app/run --data /usr/src/app/data\n"
        "    volumes: ['media:/usr/src/app/media', './:/usr/src/app']\n",
        Dockerfile="FROM python:3.13-slim\nWORKDIR /usr/src/app\nCOPY . .\n",
    )
    assert list(image.command) == ["/app/run", "--data", "/app/data"]
    assert list(image.volumes) == ["/app/media"]
    assert notes == "Dockerfile:2: workdir /usr/src/app: /app instead"
