"""A buildspec as a user writes it: complete when it is right, explained when it is not."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from nox_buildkit.buildspec.model.buildspec import BuildSpec
from nox_buildkit.buildspec.model.image import Image
from nox_buildkit.buildspec.reading.load import load, parse
from nox_buildkit.errors import SpecError
from nox_buildkit.oci.platform import PLATFORMS

EVERY = ", ".join(PLATFORMS)
SMALL = """\
version: 1
images:
  hello:
    command: [fastapi, run, main.py, --host, "::", --port, "8000"]
"""


def problems(text: str, *overrides: tuple[str, str]) -> list[str]:
    with pytest.raises(SpecError) as caught:
        parse(text, "buildspec.yaml", overrides)
    return str(caught.value).splitlines()


def image_problem(line: str, *, indent: int = 4) -> str:
    """The one problem of an image that has this line, after the position and the key."""
    (problem,) = problems(f"version: 1\nimages:\n  api:\n{' ' * indent}{line}\n")
    place, _, rest = problem.partition(": images.api.")
    assert place.startswith("buildspec.yaml:4:")
    return f"{place.removeprefix('buildspec.yaml:4:')} {rest}"


def test_small_things_are_small() -> None:
    spec = parse(SMALL, "buildspec.yaml")
    command = ("fastapi", "run", "main.py", "--host", "::", "--port", "8000")
    assert spec.images == {"hello": Image(command=command)}
    image = spec.images["hello"]
    assert image.platforms == ("linux/amd64", "linux/arm64")
    assert (image.base, image.python, image.user, image.workdir) == (
        "slim",
        "3.13",
        "10001",
        "/app",
    )
    assert image.copied == (".",)


def test_everything_can_be_said() -> None:
    spec = parse(
        """\
version: 1
registry: ghcr.io/octocat/demo
defaults:
  python: "3.12"
  env: {A: one, B: 2}
  platforms: [linux/arm64]
requirements:
  api: {source: ../pyproject.toml, extras: [pg], groups: [prod], constraints: [c.txt],
        index: "https://packages.example.com/simple", output: lock/api.txt}
images:
  api:
    context: services//api/
    requirements: api
    base: "debian:13@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    copy: [app, ./main.py]
    entrypoint: []
    command: [python, -c, "print(1)\\nprint(2)"]
    env: {B: "", PORT: 8000, MODE: 0755}
    user: 1000:50
    workdir: /srv/api
    expose: [8000, "53/udp"]
    labels: {org.opencontainers.image.title: API}
    tags: ["{version}", "{revision}-x", latest]
  worker: {requirements: none, python: "3.13"}
""",
        "buildspec.yaml",
    )
    api, worker = spec.images["api"], spec.images["worker"]
    assert api.env == {"A": "one", "B": "", "PORT": "8000", "MODE": "0755"}
    assert (api.python, worker.python) == ("3.12", "3.13")
    assert worker.platforms == ("linux/arm64",)
    assert (api.context, api.copy_, api.user) == ("services/api", ("app", "main.py"), "1000:50")
    assert api.expose == ("8000/tcp", "53/udp")
    assert api.entrypoint == ()
    assert spec.requirements["api"].extras == ("pg",)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("platfroms: [x]", "5 platfroms: unknown key; did you mean 'platforms'?"),
        ("environment: {}", "5 environment: unknown key; did you mean 'env'?"),
        ("copy_: [a]", "5 copy_: unknown key; did you mean 'copy'?"),
        ("registry: a", "5 registry: unknown key; it belongs to the top of the file"),
        (
            "python: 3.10",
            '13 python: YAML reads 3.10 as the number 3.1; write it in quotes: "3.10"',
        ),
        ("python: 3", '13 python: YAML reads 3 as the number 3; write it in quotes: "3"'),
        (
            "python: '3.13.1'",
            "13 python: '3.13.1' is too exact; write major and minor only: '3.13'",
        ),
        (
            "python: '2.7'",
            "13 python: '2.7' is not a Python version from 3.9 on; write it like '3.13'",
        ),
        ("workdir:", "13 workdir: no value; give it one, or remove the key"),
        ("user: ~", '11 user: YAML reads ~ as null; write it in quotes: "~"'),
        (
            "base: 2026-01-01",
            '11 base: YAML reads 2026-01-01 as a date; write it in quotes: "2026-01-01"',
        ),
        (
            "env: {DEBUG: no}",
            "18 env.DEBUG: YAML 1.1 reads 'no' as the boolean false; write it in quotes: \"no\"",
        ),
        (
            "env: {RATE: 1.50}",
            '17 env.RATE: YAML reads 1.50 as the number 1.5; write it in quotes: "1.50"',
        ),
        ("env: {E: }", "13 env.E: no value; give it one, or remove the key"),
        (
            "env: {2A: x}",
            "11 env.2A: '2A' is not a variable's name; letters, digits and '_', no digit first",
        ),
        (
            "env: [A=b]",
            "10 env: expected a mapping, found a list; write it like 'env: {LOG_LEVEL: info}'",
        ),
        (
            'env: {A: "x\\nRUN id"}',
            "14 env.A: holds a newline, which cannot stand here; remove it",
        ),
        (
            'workdir: "/a\\0b"',
            "14 workdir: holds the character U+0000, which cannot stand here; remove it",
        ),
        (
            'labels: {a: "\\u202Eevil"}',
            "17 labels.a: holds the character U+202E, which cannot stand here; remove it",
        ),
        (
            "platforms: linux/amd64",
            "16 platforms: expected a list, found a string; write [linux/amd64]",
        ),
        ("platforms: []", "16 platforms: empty; name at least one"),
        (
            "platforms: [linux/arm64, linux/arm64]",
            "30 platforms.1: 'linux/arm64' is listed twice; remove one",
        ),
        (
            "platforms: [x86_64]",
            "17 platforms.0: 'x86_64' is not a supported platform "
            f"({EVERY}); did you mean 'linux/amd64'?",
        ),
        (
            "platforms: [linux/aarch64]",
            "17 platforms.0: 'linux/aarch64' is not a supported platform "
            f"({EVERY}); did you mean 'linux/arm64'?",
        ),
        (
            "platforms: [linux/arm/v6]",
            "17 platforms.0: 'linux/arm/v6' is not a supported platform "
            f"({EVERY}); name one of these",
        ),
        (
            "command: python -m 'my app'",
            "14 command: expected a list of arguments (exec form), which no shell reads; "
            'write ["python", "-m", "my app"]',
        ),
        (
            "command: a && b",
            "14 command: expected a list of arguments (exec form), which no shell reads; "
            'write ["sh", "-c", "a && b"]',
        ),
        (
            "command: [serve, --port, 8000]",
            '30 command.2: YAML reads 8000 as the number 8000; write it in quotes: "8000"',
        ),
        ("command: ['']", "15 command.0: the program's name is empty; write it first"),
        ("base: Slim", "11 base: 'Slim' is not an image reference; did you mean 'slim'?"),
        ("base: scratch", "11 base: 'scratch' is empty, and an image needs a Python; try 'slim'"),
        (
            "base: debian@sha256:abc",
            "11 base: 'sha256:abc' is not a digest; write '@sha256:' and 64 digits",
        ),
        ("copy: [../x]", "12 copy.0: '../x' leaves the folder; write a path without '..'"),
        (
            "copy: [a/../../x]",
            "12 copy.0: 'a/../../x' leaves the folder; write a path without '..'",
        ),
        ("copy: [/etc]", "12 copy.0: '/etc' is not a relative path; write it like 'app/main.py'"),
        ("copy: ['*.py']", "12 copy.0: '*.py' has a wildcard; name the file, or its folder"),
        (
            "context: https://example.com/x.git",
            "14 context: 'https://example.com/x.git' is a URL; write a path",
        ),
        ("user: Root:1", "11 user: 'Root:1' is not a user; write 'uid', 'uid:gid' or 'name'"),
        (
            "user: 2147483648",
            "11 user: '2147483648' is beyond the largest user ID; at most 2147483647",
        ),
        (
            "workdir: /cafe\u0301",
            "14 workdir: '/cafe\u0301' is written with decomposed characters (Unicode NFD); write "
            "them composed (NFC)",
        ),
        ("workdir: app", "14 workdir: 'app' is not absolute; write '/app'"),
        ("workdir: /", "14 workdir: the image's root cannot be the working folder; write '/app'"),
        ("workdir: /a/../b/", "14 workdir: '/a/../b/' is not normalised; write '/b'"),
        ("expose: [70000]", "14 expose.0: '70000' is not a port; write 8000 or 8000/tcp"),
        (
            "expose: [22:22]",
            "14 expose.0: '22:22' is not a port; ports are published when the container starts; "
            "write the container's alone",
        ),
        (
            "tags: [1.10]",
            '12 tags.0: YAML reads 1.10 as the number 1.1; write it in quotes: "1.10"',
        ),
        (
            "tags: ['{sha}']",
            "12 tags.0: '{sha}' is not a placeholder; write one of {version}, {major}, {minor}, "
            "{patch}, {revision}, {short-revision}, {branch}, {pull-request}, {date}",
        ),
        (
            "tags: [.x]",
            "12 tags.0: '.x' is not a tag; letters, digits, '_', '.' and '-'; no '.' or '-' first; "
            "at most 128",
        ),
        (
            "requirements: false",
            "19 requirements: YAML 1.1 reads 'false' as the boolean false; "
            'write it in quotes: "false"',
        ),
        (
            "requirements: web",
            "19 requirements: no set of requirements named 'web'; define requirements.web",
        ),
    ],
)
def test_mistakes_in_an_image(line: str, problem: str) -> None:
    assert image_problem(line) == problem


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("volumes: [data]", "volumes.0: 'data' is not absolute; write '/data'"),
        (
            "directories: [/tmp/x]",
            "directories.0: nothing can be placed at '/tmp/x'; take a path below /var or /etc",
        ),
        (
            "directories: [/a/../b]",
            "directories.0: '/a/../b' is not a path below the root; write '/b'",
        ),
        ("stop-signal: INT", "stop-signal: 'INT' is not a signal; did you mean 'SIGINT'?"),
        (
            "stop-signal: 65",
            "stop-signal: '65' is not a signal; write it like 'SIGINT', or a number from 1 to 64",
        ),
        ("healthcheck: {}", "healthcheck.test: missing; add 'test: [python, -m, app.health]'"),
        (
            "healthcheck: {test: [CMD, python]}",
            "healthcheck.test.0: 'CMD' is not a program; begin with the program",
        ),
        (
            "healthcheck: {test: [true-ish], interval: 30}",
            "healthcheck.interval: '30' is not a duration; write '30s' for seconds",
        ),
        (
            "healthcheck: {test: [a], timeout: 5 s}",
            "healthcheck.timeout: '5 s' is not a duration; write it like '1m30s'",
        ),
        (
            "healthcheck: {test: [a], interval: 2562047h1m}",
            "healthcheck.interval: '2562047h1m' is longer than Docker can count; at most 2562047h",
        ),
        (
            "healthcheck: {test: [a], retries: many}",
            "healthcheck.retries: expected an integer, found a string; write it like 'retries: 3'",
        ),
        (
            "files: [{source: a.ini, target: /etc/passwd}]",
            "files.0.target: nothing can be placed at '/etc/passwd'; "
            "take a path below /var or /etc",
        ),
        ("files: [{source: a.ini}]", "files.0.target: missing; add 'target: /etc/app.ini'"),
        (
            "files: [{source: a, target: /etc/a, mode: '9'}]",
            "files.0.mode: '9' is not a file's mode; write it like '0644'",
        ),
        (
            "args: {TARGETARCH: arm64}",
            "args.TARGETARCH: 'TARGETARCH' is set by the build itself; take another name",
        ),
        (
            "args: {UV_OFFLINE: '0'}",
            "args.UV_OFFLINE: 'UV_OFFLINE' is set by the build itself; take another name",
        ),
        (
            "args: {A-B: x}",
            "args.A-B: 'A-B' is not a variable's name; letters, digits and '_', no digit first",
        ),
        (
            "files: [{source: 'https://a.example/m', target: /srv/m}]",
            "files.0.source: what is downloaded may be another file tomorrow; add 'checksum: "
            "sha256:…' of the file that is meant",
        ),
        (
            "files: [{source: a, target: /srv/m, checksum: 'sha256:" + "0" * 64 + "'}]",
            "files.0.checksum: a checksum is for a file that is downloaded; remove it",
        ),
        (
            "files: [{source: 'https://a.example/m', target: /srv/m, checksum: abc}]",
            "files.0.checksum: 'abc' is not a digest; write 'sha256:' and 64 digits in lower case",
        ),
        (
            "files: [{source: 'https://me:pw@a.example/m', target: /srv/m}]",
            "files.0.source: credentials do not belong in a file; put them into ~/.netrc",
        ),
        (
            "files: [{source: 'ftp://a.example/m', target: /srv/m}]",
            "files.0.source: 'ftp://a.example/m' is not the URL of a file; write https://host/path",
        ),
        (
            "files: [{source: 'https://a.example/', target: /srv/m}]",
            "files.0.source: 'https://a.example/' names no file; write https://host/path",
        ),
        (
            "files: [{from: slim, source: /a, target: /etc/a}]",
            "files.0.from: 'slim' is the name of a base here, and of no image; write all of the "
            "reference, as in 'docker.io/library/slim', or target:NAME",
        ),
        (
            "files: [{from: scratch, source: /a, target: /etc/a}]",
            "files.0.from: 'scratch' is empty, and has no files; try 'slim'",
        ),
        (
            "files: [{from: a.example/b, source: a/b, target: /etc/a}]",
            "files.0.source: 'a/b' is not absolute; write '/a/b'",
        ),
        (
            "files: [{from: a.example/b, source: '/a,b', target: /etc/a}]",
            "files.0.source: '/a,b' is not a path of an image; letters, digits and '.', '_', '+', "
            "'@', '~', '-'; or name the folder that it is in",
        ),
        (
            "files: [{from: a.example/b, source: /a/../b, target: /etc/a}]",
            "files.0.source: '/a/../b' is not normalised; write '/b'",
        ),
        (
            "files: [{source: /a/b, target: /etc/a}]",
            "files.0.source: '/a/b' is not a relative path; write it like 'app/main.py'",
        ),
        (
            "files: [{source: a, target: /etc/a}, {source: b, target: /etc/a}]",
            "files.1.target: two files have the target '/etc/a'; remove one",
        ),
        ("prestart: [[a]]", "prestart: there is no 'command' that it could come before; add one"),
        (
            "prestart: [python manage.py migrate]",
            "prestart.0: expected a list of arguments (exec form), which no shell reads; "
            'write ["python", "manage.py", "migrate"]',
        ),
        (
            "command: [serve, '${PORT}', '${PORT:?}']",
            "command.2: '${PORT:?}' is not a variable of the environment; write ${NAME} or "
            "${NAME:-default}; $${ stands for the characters themselves",
        ),
        (
            "{command: [a], prestart: [[b, '${A:-${B}}']]}",
            "prestart.0.1: '${A:-${B}}' is not a variable of the environment; write ${NAME} or "
            "${NAME:-default}; $${ stands for the characters themselves",
        ),
        (
            "{healthcheck: {test: [a, '${1}']}, command: [sh, -c, 'echo ${1}']}",
            "healthcheck.test.1: '${1}' is not a variable of the environment; write ${NAME} or "
            "${NAME:-default}; $${ stands for the characters themselves",
        ),
        (
            "user: {name: app, uid: 0, from-environment: true}",
            "user.uid: 0 is root, which is given up; name another user",
        ),
        (
            "steps: [{run: [a]}]",
            "steps.0.output: missing; add 'output: [static]'",
        ),
        (
            "steps: [{run: [a], output: [b], cache: ['/c,from=base']}]",
            "steps.0.cache.0: '/c,from=base' is not a cache's folder; "
            "letters, digits, '.', '_' and '-'",
        ),
    ],
)
def test_mistakes_about_what_surrounds_an_application(line: str, problem: str) -> None:
    text = f"version: 1\nimages:\n  a:\n    {line}\n"
    (found,) = problems(text)
    assert found.split(": ", 1)[1] == f"images.a.{problem}"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("images: {a: {}}", "1:1: version: missing; add 'version: 1'"),
        (
            "version: 2\nimages: {a: {}}",
            "1:10: version: version 2 is not known; this nox-buildkit reads version 1",
        ),
        (
            "version: 1.0\nimages: {a: {}}",
            "1:10: version: version 1.0 is not known; this nox-buildkit reads version 1",
        ),
        (
            "version: true\nimages: {a: {}}",
            "1:10: version: version true is not known; this nox-buildkit reads version 1",
        ),
        (
            "version: '1'\nimages: {a: {}}",
            "1:10: version: the version is a number; write 1 without quotes",
        ),
        ("version: 1", "1:1: images: missing; add 'images: {app: {}}'"),
        ("version: 1\nimages: {}", "2:9: images: empty; name at least one"),
        ("version: 1\nimages: {a: }", "2:12: images.a: no value; write {} for every default"),
        (
            "version: 1\nimages: [a]",
            "2:9: images: expected a mapping, found a list; "
            "write it like 'images: {hello: {command: [python, -m, hello]}}'",
        ),
        (
            "- a",
            "1:1: expected a mapping, found a list; the smallest file is: "
            "{version: 1, images: {app: {command: [python, -m, app]}}}",
        ),
        (
            "version: 1\nimages: {Api: {}}",
            "2:10: images.Api: 'Api' is not a valid name; "
            "lower-case letters and digits, with single '.', '_' or '-' between them",
        ),
        (
            "version: 1\npython: '3.13'\nimages: {a: {}}",
            "2:1: python: unknown key; "
            "it belongs to an image (images.NAME.python) or to all (defaults.python)",
        ),
        (
            "version: 0.2\nphases:\n  build: {commands: [make]}",
            "2:1: phases: this is an AWS CodeBuild file; "
            "give this tool's file another name: register('images.yaml')",
        ),
        (
            "version: 1\nregistry: https://ghcr.io/x\nimages: {a: {}}",
            "2:11: registry: a registry has no scheme; write host[:port]/path",
        ),
        (
            "version: 1\nregistry: ghcr.io/x:1\nimages: {a: {}}",
            "2:11: registry: 'ghcr.io/x:1' has a tag; tags go in the image's 'tags'",
        ),
        (
            "version: 1\nregistry: octocat\nimages: {a: {}}",
            "2:11: registry: 'octocat' names no host; for Docker Hub: 'docker.io/octocat'",
        ),
        (
            "version: 1\nregistry: ghcr.io/Octocat\nimages: {a: {}}",
            "2:11: registry: 'ghcr.io/Octocat' has upper-case letters; write 'ghcr.io/octocat'",
        ),
        (
            "version: 1\nrequirements: {none: {source: a.in}}\nimages: {a: {}}",
            "2:16: requirements.none: 'none' is reserved for images without requirements; "
            "rename it",
        ),
        (
            "version: 1\nrequirements: {a: {}}\nimages: {a: {}}",
            "2:16: requirements.a.source: missing; add 'source: pyproject.toml'",
        ),
        (
            "version: 1\nrequirements: {a: {source: setup.sh}}\nimages: {a: {}}",
            "2:28: requirements.a.source: 'setup.sh' is not a requirements file; "
            "name a pyproject.toml, a setup.py, a requirements.in or .txt, or a lock",
        ),
        (
            "version: 1\nrequirements: {a: {source: a.in, extras: [x]}}\nimages: {a: {}}",
            "2:42: requirements.a.extras: only pyproject.toml, setup.py, setup.cfg, uv.lock, "
            "poetry.lock or pdm.lock has extras, and the source is another file; remove the key, "
            "or change the source",
        ),
        (
            "version: 1\nrequirements: {a: {source: [a.in, uv.lock]}}\nimages: {a: {}}",
            "2:35: requirements.a.source.1: 'uv.lock' cannot be resolved together with other "
            "files; name requirements files alone, or make a set of its own of it",
        ),
        (
            "version: 1\nrequirements: {a: {source: []}}\nimages: {a: {}}",
            "2:28: requirements.a.source: empty; name at least one",
        ),
        (
            "version: 1\nrequirements: {web: {source: a.in}}\nimages: {a: {requirements: wbe}}",
            "3:28: images.a.requirements: no set of requirements named 'wbe'; did you mean 'web'?",
        ),
        (
            "version: 1\nmirrors: {index.docker.io: a.example}\nimages: {a: {}}",
            "2:11: mirrors.index.docker.io: 'index.docker.io' is Docker Hub; write 'docker.io'",
        ),
    ],
)
def test_mistakes_elsewhere(text: str, problem: str) -> None:
    assert problems(text) == [f"buildspec.yaml:{problem}"]


def test_all_mistakes_at_once_in_order_of_position() -> None:
    text = """\
version: 1
images:
  api:
    platfroms: [arm64]
    python: 3.10
    python: "3.12"
    env: {A: yes}
  Web: {}
regisrty: x
"""
    assert [line.split(": ")[0:2] for line in problems(text)] == [
        ["buildspec.yaml:4:5", "images.api.platfroms"],
        ["buildspec.yaml:5:13", "images.api.python"],
        ["buildspec.yaml:6:5", "images.api.python"],
        ["buildspec.yaml:7:14", "images.api.env.A"],
        ["buildspec.yaml:8:3", "images.Web"],
        ["buildspec.yaml:9:1", "regisrty"],
    ]


def test_a_mistake_in_defaults_is_reported_once_and_there() -> None:
    text = "version: 1\ndefaults:\n  python: 3.10\n  tagz: [x]\nimages: {a: {}, b: {}}\n"
    assert problems(text) == [
        "buildspec.yaml:3:11: defaults.python: YAML reads 3.10 as the number 3.1; "
        'write it in quotes: "3.10"',
        "buildspec.yaml:4:3: defaults.tagz: unknown key; did you mean 'tags'?",
    ]


def test_credentials_in_an_index_url_are_refused_and_not_repeated() -> None:
    text = (
        "version: 1\nrequirements:\n  a:\n    source: a.in\n"
        "    index: https://user:hunter2@packages.example.com/simple\nimages: {a: {}}\n"
    )
    (line,) = problems(text)
    assert line == (
        "buildspec.yaml:5:12: requirements.a.index: credentials do not belong in a file; "
        "use UV_INDEX_<NAME>_USERNAME and UV_INDEX_<NAME>_PASSWORD"
    )


@pytest.mark.parametrize("key", ["base", "context", "requirements", "python", "workdir"])
def test_credentials_in_any_wrong_value_are_not_repeated(key: str) -> None:
    line = image_problem(f"{key}: https://user:hunter2@example.com/ X")
    assert "hunter2" not in line


def test_overrides_win_and_take_text_as_it_is() -> None:
    spec = parse(
        SMALL,
        "buildspec.yaml",
        [
            ("registry", "127.0.0.1:5000/demo"),
            ("images.hello.python", "3.10"),
            ("images.hello.python", "3.12"),
            ("images.hello.tags", "[1.10, latest]"),
            ("images.hello.env.DEBUG", "no"),
            ("images.hello.env.JSON", '{"a": 1}'),
            ("images.hello.labels.org.opencontainers.image.title", "'Hello: world'"),
            ("defaults.env", "{LEVEL: 1.50}"),
        ],
    )
    image = spec.images["hello"]
    assert spec.registry == "127.0.0.1:5000/demo"
    assert image.python == "3.12"
    assert image.tags == ("1.10", "latest")
    assert image.env == {"DEBUG": "no", "JSON": '{"a": 1}', "LEVEL": "1.50"}
    assert image.labels == {"org.opencontainers.image.title": "Hello: world"}


def test_overrides_of_keys_that_have_two_forms() -> None:
    text = "version: 1\nbuilder: farm\nimages: {a: {cache: registry, user: '1000'}}\n"
    spec = parse(
        text,
        "buildspec.yaml",
        [
            ("images.a.cache.type", "local"),
            ("images.a.user", "{name: app, uid: 99}"),
            ("images.a.env.GREETING", '"Hi" she said'),
        ],
    )
    image = spec.images["a"]
    assert image.layer_cache
    assert image.layer_cache.type == "local"
    assert not isinstance(image.user, str | None)
    assert (image.user.name, image.user.uid) == ("app", 99)
    assert image.env == {"GREETING": '"Hi" she said'}
    assert problems(text, ("images.a.cache.type", "s3"), ("images.a.cache.bogus", "1"))
    assert parse(text, "b.yaml", [("images.a.cache", "gha")]).images["a"].cache == "gha"


def test_overrides_find_names_with_dots() -> None:
    text = "version: 1\nimages: {my: {}}\nrequirements: {a.b: {source: x.in}, a: {source: y.in}}\n"
    spec = parse(text, "buildspec.yaml", [("requirements.a.b.source", "z.in")])
    assert spec.requirements["a.b"].source == ("z.in",)
    spec = parse(text, "b.yaml", [("images.my.per-platform.linux/arm64.user", "1")])
    assert spec.images["my"].per_platform["linux/arm64"].user == "1"


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        (
            "registry",
            "http://x",
            "--set registry:1:1: registry: a registry has no scheme; write host[:port]/path",
        ),
        (
            "images.helo.python",
            "3.12",
            "--set images.helo.python:1:1: no image named 'helo'; did you mean 'hello'?",
        ),
        (
            "images.hello.pyhton",
            "3.12",
            "--set images.hello.pyhton:1:1: images.hello.pyhton: unknown key; "
            "did you mean 'python'?",
        ),
        (
            "images.hello.platforms",
            "[linux/amd64, arm64]",
            "--set images.hello.platforms:1:15: images.hello.platforms.1: 'arm64' is not a "
            f"supported platform ({EVERY}); "
            "did you mean 'linux/arm64'?",
        ),
        (
            "images.hello.tags.0",
            "x",
            "--set images.hello.tags.0:1:1: a list is set as a whole; "
            "write images.hello.tags=[A, B]",
        ),
        (
            "registry.x",
            "x",
            "--set registry.x:1:1: 'registry' has no keys; write registry=VALUE",
        ),
        ("images..x", "x", "--set images..x:1:1: not a key; write --set images.NAME.KEY=VALUE"),
        (
            "images.hello.tags",
            "[",
            "--set images.hello.tags:1:2: not valid YAML: expected the node content, but found "
            "'<stream end>' (while parsing a flow node)",
        ),
    ],
)
def test_mistakes_in_overrides(key: str, value: str, problem: str) -> None:
    assert problems(SMALL, (key, value)) == [problem]


def test_mistakes_in_the_file_come_before_those_of_overrides() -> None:
    lines = problems("version: 1\nimages: {a: {pyton: x}}\n", ("registry", "x"))
    assert [line.split(": ")[0] for line in lines] == ["buildspec.yaml:2:14", "--set registry:1:1"]


def test_later_stages_can_ask_where_a_value_was_written() -> None:
    text = "version: 1\ndefaults:\n  base: debian\nimages:\n  api:\n    tags: [a, b]\n"
    spec = parse(text, "buildspec.yaml", [("images.api.python", "3.12")])
    assert (
        str(spec.location("images", "api", "tags", 1)) == "buildspec.yaml:6:15: images.api.tags.1"
    )
    assert str(spec.location("images", "api", "base")) == "buildspec.yaml:3:9: defaults.base"
    assert str(spec.location("images", "api", "user")) == "buildspec.yaml:5:3: images.api.user"
    assert str(spec.location("images", "api", "python")) == (
        "--set images.api.python:1:1: images.api.python"
    )
    assert BuildSpec(version=1, images={"api": Image()}).location("images") is None


def test_a_spec_cannot_be_changed() -> None:
    spec = parse(SMALL, "buildspec.yaml")
    with pytest.raises(ValueError, match="frozen"):
        spec.registry = "ghcr.io/x"


def test_load_reads_a_file(tmp_path: Path) -> None:
    path = tmp_path / "buildspec.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + SMALL.replace("\n", "\r\n").encode())
    spec = load(path, [("images.hello.python", "3.12")])
    assert spec.images["hello"].python == "3.12"
    assert str(spec.location("images")).startswith(f"{path}:3:")


def test_load_says_what_is_wrong_with_a_file(tmp_path: Path) -> None:
    missing, folder, latin = tmp_path / "no.yaml", tmp_path, tmp_path / "latin.yaml"
    latin.write_bytes(b"version: 1\nimages: {caf\xe9: {}}\n")
    large = tmp_path / "large.yaml"
    large.write_bytes(b"# " + b"x" * 300_000)
    expected = {
        missing: f"{missing}: no such file; create it; the smallest one is: "
        "{version: 1, images: {app: {command: [python, -m, app]}}}",
        folder: f"{folder}: Is a directory",
        latin: f"{latin}:2:13: not UTF-8 (byte 0xe9); save the file as UTF-8",
        large: f"{large}:1:1: the file is too large; at most 256 KiB",
    }
    for path, message in expected.items():
        with pytest.raises(SpecError) as caught:
            load(path)
        assert str(caught.value) == message


def test_a_spec_with_the_other_suffix_is_pointed_out(tmp_path: Path) -> None:
    (tmp_path / "buildspec.yml").write_text(SMALL)
    with pytest.raises(SpecError, match=r"there is buildspec\.yml: rename it, or register\('"):
        load(tmp_path / "buildspec.yaml")


def test_the_smallest_spec_of_the_message_is_one(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        load(tmp_path / "no.yaml")
    assert parse(str(caught.value).split("is: ")[1], "buildspec.yaml").images["app"].command


def test_many_images_with_many_defaults_are_bounded() -> None:
    defaults = "".join(f"    V{i}: x\n" for i in range(2000))
    images = "".join(f"  i{i}: {{}}\n" for i in range(1000))
    started = time.perf_counter()
    (line,) = problems(f"version: 1\ndefaults:\n  env:\n{defaults}images:\n{images}")
    assert line == (
        "buildspec.yaml:2:1: defaults: too many values for 1000 images; at most 10000 in all"
    )
    assert time.perf_counter() - started < 10


def test_parsing_is_quick() -> None:
    parse(SMALL, "buildspec.yaml")
    times = []
    for _ in range(5):
        started = time.perf_counter()
        parse(SMALL, "buildspec.yaml")
        times.append(time.perf_counter() - started)
    assert min(times) < 0.02


def test_reading_a_spec_imports_nothing_heavy() -> None:
    code = (
        "import sys, nox_buildkit.buildspec.reading.load;"
        "print(*{'nox', 'rich', 'subprocess', 'python_on_whales', 'jsonschema'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
