"""What a Dockerfile says, in the words of a buildspec, and what has no counterpart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nox_buildkit.init.dockerfile.reading import read_dockerfile
from nox_buildkit.init.stated import Stated


def read(text: str, folder: Path, target: str = "", **args: str) -> Stated:
    found = read_dockerfile(text, folder, "Dockerfile", target, args)
    assert found
    return found


BASE = "FROM python:3.13-slim\nWORKDIR /srv/a\n"


@pytest.mark.parametrize(
    ("lines", "keys"),
    [
        ("STOPSIGNAL SIGINT", {"stop-signal": "SIGINT"}),
        ("VOLUME /srv/media", {"volumes": ["/srv/media"]}),
        ('VOLUME ["/srv/media", "/data"]', {"volumes": ["/srv/media", "/data"]}),
        ("LABEL a=b org.opencontainers.image.version=1", {"labels": {"a": "b"}}),
        ("ENV PORT 80\nEXPOSE $PORT", {"env": {"PORT": "80"}, "expose": [80]}),
        ("EXPOSE 53/UDP 9000/TCP", {"expose": ["53/udp", 9000]}),
        ('EXPOSE 8000-8002 "9001"', {"expose": [8000, 8001, 8002, 9001]}),
        ("ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1", {}),
        ("RUN useradd -m -u 999 app\nUSER app", {"user": {"name": "app", "uid": 999}}),
        ("USER app:staff", {"user": "app:staff"}),
        ("RUN mkdir -p /srv/media && chown app /srv/media", {"directories": ["/srv/media"]}),
        ("RUN chown -R app .", {"writable-workdir": True}),
        ("COPY --chown=app . .", {"writable-workdir": True}),
        ("COPY . .", {}),
        ("COPY shop ./shop\nCOPY requirements.txt /tmp/\nCOPY main.py ./",
         {"copy": ["shop", "main.py"]}),
        ("COPY requirements.txt README.md ./\nCOPY shop/ shop/", {"copy": ["shop"]}),
        ("COPY . .\nCOPY shop /data", {"files": [{"source": "shop", "target": "/data"}]}),
        ("COPY shop shop\nCOPY shop /data",
         {"copy": ["shop"], "files": [{"source": "shop", "target": "/data"}]}),
        (
            "COPY . .\nCOPY --chmod=0755 main.py /usr/local/bin/serve",
            {"files": [{"source": "main.py", "target": "/usr/local/bin/serve", "mode": "0755"}]},
        ),
        (
            "COPY --from=octocat/tini:1 /tini /sbin/",
            {},
        ),
        (
            "COPY --from=octocat/tini:1 /tini /usr/local/bin/",
            {"files": [{"from": "octocat/tini:1", "source": "/tini",
                        "target": "/usr/local/bin/tini"}]},
        ),
        ("COPY --from=ghcr.io/astral-sh/uv:latest /uv /bin/", {}),
        (
            "HEALTHCHECK --interval=5s --retries=2 CMD curl -f http://localhost || exit 1",
            {"healthcheck": {"test": ["curl", "-f", "http://localhost"], "interval": "5s",
                             "retries": 2}},
        ),
        ("HEALTHCHECK NONE", {}),
        ("RUN apt-get install -y libpq5=16.1 curl", {"apt": ["libpq5", "curl"]}),
        ("RUN apt-get -o A=b install -y libpq5", {"apt": ["libpq5"]}),
        ("RUN <<EOF\napt-get update\napt-get install -y curl\nEOF", {"apt": ["curl"]}),
        ("CMD a && b", {"command": ["b"], "prestart": [["a"]]}),
        ('CMD ["sh", "-c", "a $PORT"]', {"command": ["a", "${PORT:-8000}"]}),
        ("ENTRYPOINT a b", {"command": ["a", "b"]}),
        ('CMD ["x"]\nENTRYPOINT ["a"]', {"entrypoint": ["a"], "command": ["x"]}),
        (
            'ENTRYPOINT ["a"]\nCMD b $PORT',
            {"entrypoint": ["a"], "command": ["sh", "-c", "b $PORT"]},
        ),
        (
            'ENTRYPOINT ["sh", "-c"]\nCMD ["a ${PORT} app:app"]',
            {"entrypoint": ["sh", "-c"], "command": ["a ${PORT} app:app"]},
        ),
        (
            'ENTRYPOINT ["a", "$B"]\nCMD ["c ${PORT}"]',
            {"entrypoint": ["a", "$$B"], "command": ["c $${PORT}"]},
        ),
    ],
)  # fmt: skip
def test_an_instruction_has_a_counterpart(lines: str, keys: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "main.py").touch()
    found = read(f"{BASE}{lines}\n", tmp_path)
    if "/sbin/" in lines:
        assert found.notes == [
            "Dockerfile: files {'from': 'octocat/tini:1', 'source': '/tini', 'target': "
            "'/sbin/tini'}: not taken over: nothing can be placed at '/sbin/tini'"
        ]
    else:
        assert not found.notes
    assert found.keys == {"python": "3.13", "workdir": "/srv/a", **keys}


@pytest.mark.parametrize(
    ("lines", "note"),
    [
        ("ONBUILD RUN a", "Dockerfile:3: ONBUILD RUN a: not taken over"),
        ("RUN make assets && pip install x", "Dockerfile:3: RUN make assets: not taken over"),
        ("RUN pip install x", "Dockerfile:3: pip install x: add it to the requirements"),
        ("RUN pip install -r a.txt", "Dockerfile: pip install -r a.txt: there is no such file"),
        ("USER App", "Dockerfile:3: user App: not taken over: 'App' is not a user"),
        (
            "RUN apt-get install -y -t bookworm-backports curl",
            "Dockerfile:3: apt-get install -t bookworm-backports: not taken over",
        ),
        ("EXPOSE 8000-9000", "Dockerfile:3: expose 8000-9000: not taken over"),
        ("EXPOSE x", "Dockerfile:3: expose x: not taken over: 'x' is not a port"),
        ("COPY a* /data/", "Dockerfile:3: COPY a* /data/: not taken over"),
        ("ADD https://a.example/b /data/b", "Dockerfile:3: ADD https://a.example/b /data/b: not"),
        ("COPY a", "Dockerfile:3: COPY a: not taken over"),
        ("COPY --parents a/b /data/", "Dockerfile:3: COPY --parents a/b /data/: --parents: not"),
        ("COPY --exclude=a . .", "Dockerfile:3: COPY --exclude=a . .: --exclude: not taken over"),
        (
            "ADD a.tar.gz /data/",
            "Dockerfile:3: ADD a.tar.gz /data/: a.tar.gz is unpacked there: not",
        ),
        (
            "COPY --chmod=u+x a /b/c",
            "Dockerfile:3: COPY --chmod=u+x a /b/c: --chmod=u+x has no digits",
        ),
        ("COPY --chmod=755 . .", "Dockerfile:3: COPY --chmod=755 . .: --chmod=755: sources have"),
        ("COPY c/*.conf /srv/a/etc/", "Dockerfile:3: COPY c/*.conf /srv/a/etc/: not taken over"),
        ("COPY src/ .", "Dockerfile:3: the Dockerfile copies less: all files are copied that git"),
        ("COPY shop shop\nCOPY *.py ./", "Dockerfile:3: the Dockerfile copies less: all files"),
        ("RUN apt-get install -y ${X}", "Dockerfile:3: apt-get install ${X}: not taken over"),
        (
            "RUN apt-get install -y gcc",
            "Dockerfile: gcc: where packages are compiled, a compiler is; the image has none",
        ),
    ],
)
def test_what_has_no_counterpart_is_listed_with_its_line(
    lines: str, note: str, tmp_path: Path
) -> None:
    found = read(f"{BASE}{lines}\n", tmp_path)
    assert any(each.startswith(note) for each in found.notes), found.notes


STAGES = """\
ARG PYTHON=3.12
FROM node:20 AS front
RUN npm ci
FROM python:${PYTHON} AS build
RUN apt-get update && apt-get install -y gcc libpq-dev
RUN --mount=type=cache,target=/root/.cache uv sync --extra web --group prod
FROM python:${PYTHON}-slim AS base
ENV LEVEL=low
RUN apt-get install -y libpq5
FROM base AS worker
CMD ["work"]
FROM base
COPY --from=build /app/.venv /app/.venv
COPY --from=front /dist /app/static
CMD ["serve"]
"""


def test_stages_are_read_as_they_build_on_each_other(tmp_path: Path) -> None:
    found = read(STAGES, tmp_path)
    assert found.keys == {
        "python": "3.12", "env": {"LEVEL": "low"}, "apt": ["libpq5"], "build-apt": ["libpq-dev"],
        "command": ["serve"],
    }  # fmt: skip
    assert (found.extras, found.groups) == (["web"], ["prod"])
    assert found.notes == [
        "Dockerfile:2: FROM node:20: not taken over",
        "Dockerfile:14: COPY --from=front /dist /app/static: not taken over",
    ]
    worker = read(STAGES, tmp_path, "worker", PYTHON="3.13")
    assert worker.keys["command"] == ["work"]
    assert worker.keys["python"] == "3.13"


def test_an_entrypoint_clears_the_command_of_the_stage_below(tmp_path: Path) -> None:
    below = f'{BASE}CMD ["a"]\n'.replace("slim\n", "slim AS below\n")
    found = read(f'{below}FROM below\nENTRYPOINT ["b"]\n', tmp_path)
    assert found.keys["entrypoint"] == ["b"]
    assert "command" not in found.keys


def test_a_secret_of_the_image_is_said(tmp_path: Path) -> None:
    lines = "ENV DB_PASSWORD=x A=1\nENV DATABASE_URL=postgres://u:pw@db/x POETRY_KEY=a\n"
    found = read(f"{BASE}{lines}", tmp_path)
    why = "everyone who has the image can read it: set it where containers are started"
    assert found.notes == [
        f"Dockerfile:3: ENV DB_PASSWORD: {why}", f"Dockerfile:4: ENV DATABASE_URL: {why}"
    ]  # fmt: skip


ASIDE = """\
FROM python:3.13-slim AS build
COPY requirements/prod.txt /tmp/
RUN pip install -r /tmp/prod.txt
FROM build AS test
COPY requirements/dev.txt /tmp/
RUN apt-get install -y libdev-only && pip install -r /tmp/dev.txt
FROM python:3.13-slim AS tools
RUN apt-get install -y libtool-dev
FROM node:20 AS docs
RUN npm ci
FROM python:3.13-slim
WORKDIR /app
COPY --from={build} /usr/local /usr/local
RUN --mount=type=bind,from={tools},target=/t true
COPY . .
CMD ["serve"]
"""


@pytest.mark.parametrize(("build", "tools"), [("build", "tools"), ("0", "2")])
def test_a_stage_that_is_not_built_is_not_read(build: str, tools: str, tmp_path: Path) -> None:
    (tmp_path / "requirements").mkdir()
    for name in ("prod", "dev"):
        (tmp_path / f"requirements/{name}.txt").touch()
    found = read(ASIDE.format(build=build, tools=tools), tmp_path)
    assert found.files == ["requirements/prod.txt"]
    assert found.keys["build-apt"] == ["libtool-dev"]
    assert not found.notes


@pytest.mark.parametrize(
    ("lines", "command"),
    [
        ("CMD python main.py", ["sh", "-c", "cd src && exec python main.py"]),
        ('CMD ["serve", "a b"]', ["sh", "-c", "cd src && exec serve 'a b'"]),
        ("CMD serve :$PORT '$'", ["sh", "-c", "cd src && serve :$PORT '$'"]),
        ("CMD serve :$PORT", ["sh", "-c", 'cd src && exec serve ":${PORT:-8000}"']),
    ],
)
@pytest.mark.parametrize("copy", ["COPY . .", "COPY main.py .\nCOPY src src"])
def test_sources_stay_where_they_are_copied_to(
    copy: str, lines: str, command: list[str], tmp_path: Path
) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "main.py").touch()
    found = read(f"{BASE}{copy}\nWORKDIR src\n{lines}\n", tmp_path)
    assert found.keys["workdir"] == "/srv/a"
    assert found.keys.get("copy") == (None if copy == "COPY . ." else ["main.py", "src"])
    assert found.keys["command"] == command
    line = 3 + copy.count("\n") + 1
    assert found.notes == [
        f"Dockerfile:{line}: workdir /srv/a/src: the sources are in /srv/a, which is the working "
        "folder; the command goes to src"
    ]


def test_an_entrypoint_goes_to_the_working_folder(tmp_path: Path) -> None:
    lines = 'COPY . .\nWORKDIR src\nENTRYPOINT ["./a", "${B}"]\nCMD ["c"]\n'
    found = read(f"{BASE}{lines}", tmp_path)
    assert found.keys["entrypoint"] == ["sh", "-c", 'cd src && exec "$@"', "sh", "./a", "${B}"]
    assert found.keys["command"] == ["c"]


def test_sources_may_come_through_another_stage(tmp_path: Path) -> None:
    text = (
        f"{BASE}COPY . .\nFROM python:3.13-slim\nCOPY --from=0 /srv/a /srv/a\nWORKDIR /srv/a/src\n"
    )
    found = read(f"{text}CMD serve\n", tmp_path)
    assert found.keys["workdir"] == "/srv/a"
    assert found.keys["command"] == ["sh", "-c", "cd src && exec serve"]


def test_a_working_folder_elsewhere_is_said(tmp_path: Path) -> None:
    found = read(f'{BASE}COPY . /app\nWORKDIR /data\nCMD ["/app/serve"]\n', tmp_path)
    assert "workdir" not in found.keys
    assert found.keys["command"] == ["/app/serve"]
    assert found.notes == [
        "Dockerfile:4: workdir /data: the sources are in /app, which is the working folder"
    ]


def test_headers_of_a_single_stage_are_for_compiling_too(tmp_path: Path) -> None:
    found = read(f"{BASE}RUN apt-get install -y libpq-dev\n", tmp_path)
    assert found.keys["apt"] == found.keys["build-apt"] == ["libpq-dev"]


def test_a_folder_of_the_system_is_app_instead(tmp_path: Path) -> None:
    (tmp_path / "a.ini").touch()
    found = read(
        "FROM python:3.13-slim\nWORKDIR /usr/src/app\nENV DATA=sqlite:////usr/src/app/data\n"
        "COPY . .\nCOPY a.ini /usr/src/app/etc/b.ini\nVOLUME /usr/src/app/media\n"
        'HEALTHCHECK CMD ["sh", "/usr/src/app/check.sh"]\nRUN mkdir /usr/src/app/tmp\n'
        "CMD /usr/src/app/before && /usr/src/app/run --cd=/usr/src/app /usr/src/application\n",
        tmp_path,
    )
    assert found.keys == {
        "python": "3.13", "env": {"DATA": "sqlite:////app/data"},
        "files": [{"source": "a.ini", "target": "/app/etc/b.ini"}],
        "volumes": ["/app/media"], "healthcheck": {"test": ["sh", "/app/check.sh"]},
        "directories": ["/app/tmp"],
        "prestart": [["/app/before"]],
        "command": ["/app/run", "--cd=/app", "/usr/src/application"],
    }  # fmt: skip
    assert found.notes == ["Dockerfile:2: workdir /usr/src/app: /app instead"]


@pytest.mark.parametrize(
    ("base", "python", "doubt"),
    [
        ("python:3.12", "3.12", "base slim instead; 'base: full' has all that it has"),
        ("python:3.12-alpine", "3.12", "which is Debian: apk has no counterpart"),
        ("ghcr.io/astral-sh/uv:python3.12-bookworm-slim", "3.12", ""),
        ("docker.io/library/python:3.12-slim-bookworm", "3.12", ""),
        ("mirror.example/docker/library/python:3.12-slim", "3.12", ""),
        ("public.ecr.aws/lambda/python:3.12", "3.12", "'base: public.ecr.aws/lambda/python:3.12'"),
        ("octocat/base:1", "", "'base: octocat/base:1' if it has what you need"),
    ],
)
def test_a_base_says_which_python(base: str, python: str, doubt: str, tmp_path: Path) -> None:
    found = read(f"FROM {base}\nCMD python a.py\n", tmp_path)
    assert found.keys.get("python", "") == python
    assert doubt in "\n".join(found.notes)
    assert bool(found.notes) == bool(doubt)


def test_what_is_no_python_is_no_image(tmp_path: Path) -> None:
    nginx = "FROM python:3.13 AS docs\nRUN pip install sphinx\nFROM nginx:1\nCOPY a /b\n"
    assert read_dockerfile(nginx, tmp_path, "Dockerfile") is None
    assert read_dockerfile("# nothing\n", tmp_path, "Dockerfile") is None
