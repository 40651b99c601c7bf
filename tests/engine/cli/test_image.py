"""The image that the repository's own buildspec.yaml makes, looked at from outside."""

from __future__ import annotations

import json
import re
import struct
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.support.oci import ImageIndex, PlatformImage
from tests.support.project import Built, git

# The containers start meanwhile; test_run asks them.
pytestmark = pytest.mark.usefixtures("started")

PLATFORMS = ("linux/amd64", "linux/arm64")
#: What builds an image and has no business in it.
LEFTOVERS = re.compile(
    r"(^|/)(uv|uvx|pip|pip3|activate\w*(\.\w+)?|requirements[\w.-]*\.(txt|lock|in)|\.git\w*"
    r"|pyproject\.toml\.orig|Dockerfile|buildspec\.yaml|_virtualenv\.\w+)$"
    r"|(^|/)(pip|uv|setuptools)(-[\d.]+\.dist-info)?/"
    r"|(^|/)(\.cache|var/cache/(uv|bytecode)|run/(secrets|inputs|uv)|layer|tmp)/."
)


@pytest.fixture(params=PLATFORMS)
def platform(request: pytest.FixtureRequest, fastapi: Built) -> PlatformImage:
    return fastapi.image.platforms[request.param]


def _own_files(image: PlatformImage) -> Iterator[tuple[str, str]]:
    for layer in image.own_layers:
        for name in image.members(layer):
            yield layer, name


def test_one_index_holds_exactly_both_platforms(fastapi: Built) -> None:
    assert tuple(sorted(fastapi.image.platforms)) == PLATFORMS
    assert "unknown" not in json.dumps(fastapi.image.index)
    for name, image in fastapi.image.platforms.items():
        assert f"{image.config['os']}/{image.config['architecture']}" == name


def test_pure_packages_are_one_layer_of_both_platforms(fastapi: Built) -> None:
    amd64, arm64 = (fastapi.image.platforms[name] for name in PLATFORMS)
    shared = set(amd64.layers) & set(arm64.layers)
    (pure,) = (layer for layer in shared if _has(amd64, layer, "site-packages/fastapi/__init__.py"))
    assert _has(amd64, pure, "site-packages/starlette/__init__.py")
    for image in (amd64, arm64):
        (native,) = (
            layer
            for layer in image.own_layers
            if _has(image, layer, "site-packages/pydantic_core/")
        )
        assert native not in shared


def _has(image: PlatformImage, layer: str, part: str) -> bool:
    return any(part in name for name in image.members(layer))


def test_machine_code_is_of_the_platform_it_is_in(platform: PlatformImage) -> None:
    machine = {"amd64": "x86_64", "arm64": "aarch64"}[platform.config["architecture"]]
    libraries = [name for _, name in _own_files(platform) if ".so" in name.rpartition("/")[2]]
    assert len(libraries) >= 5
    assert all(machine in name for name in libraries if "linux-gnu" in name), libraries


def test_nothing_that_builds_is_left_over(platform: PlatformImage) -> None:
    left = [name for _, name in _own_files(platform) if LEFTOVERS.search(name)]
    assert left == []
    # The base has none either, apart from the modules that ensurepip would install.
    base = platform.members(platform.layers[0])
    assert not [n for n in base if re.search(r"(^|/)(uv|pip3?|apt-get)$|dist-packages/pip/", n)]


def test_files_belong_to_root_and_only_root_can_write(platform: PlatformImage) -> None:
    for layer in platform.own_layers:
        for name, member in platform.members(layer).items():
            assert (member.uid, member.gid) == (0, 0), name
            assert member.issym() or member.mode & 0o7022 == 0, f"{name} {member.mode:o}"
            assert member.issym() or member.mode & 0o444 == 0o444, f"{name} {member.mode:o}"


def test_every_module_has_byte_code_of_its_time(platform: PlatformImage) -> None:
    names = {name for _, name in _own_files(platform)}
    sources = [name for name in names if name.endswith(".py")]
    missing = [name for name in sources if _cached(name) not in names]
    assert len(sources) > 500
    assert "app/app/main.py" in sources
    # Packages carry a few sources that are templates, or for another Python.
    assert len(missing) <= 5, missing
    for layer in platform.layers:
        heads = {
            name: struct.unpack("<4xIII", content[:16])
            for name, content in platform.contents(layer)
            if name.endswith(".pyc")
        }
        if layer not in platform.own_layers:
            # PEP 552: hash-based and unchecked.
            assert {flags for flags, *_ in heads.values()} <= {1}
            continue
        members = platform.members(layer).items()
        stated = {_cached(name): (0, m.mtime, m.size) for name, m in members if m.isreg()}
        assert heads.items() <= stated.items()


def _cached(name: str) -> str:
    folder, _, module = name.rpartition("/")
    return f"{folder}/__pycache__/{module.removesuffix('.py')}.cpython-313.pyc"


def test_process_configuration(platform: PlatformImage) -> None:
    config = platform.config["config"]
    assert config["User"] == "10001:10001"
    assert config["WorkingDir"] == "/app"
    assert " ".join(config["Cmd"]) == "fastapi run app/main.py --host 0.0.0.0 --port 8000"
    assert not config.get("Entrypoint")
    assert list(config["ExposedPorts"]) == ["8000/tcp"]
    env = dict(line.split("=", 1) for line in config["Env"])
    assert env["PYTHONUNBUFFERED"] == env["PYTHONDONTWRITEBYTECODE"] == "1"
    assert env["PATH"].split(":")[0].endswith("/bin")
    assert set(env) == {"PATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"}


def test_the_user_has_a_name_and_no_home_to_write_to(platform: PlatformImage) -> None:
    lines = platform.read("etc/passwd").splitlines()
    (entry,) = (line for line in lines if ":10001:10001:" in line)
    assert entry.endswith(":/nonexistent:/usr/sbin/nologin")
    assert any(line.startswith("root:") for line in lines)


def test_labels_say_where_it_comes_from(fastapi: Built, platform: PlatformImage) -> None:
    labels = platform.config["config"]["Labels"]
    prefix = "org.opencontainers.image."
    version = tomllib.loads((fastapi.project.root / "examples/fastapi/pyproject.toml").read_text())[
        "project"
    ]["version"]
    assert labels[f"{prefix}source"] == "https://git.example/me/hello"
    assert labels[f"{prefix}revision"] == fastapi.revision
    assert labels[f"{prefix}version"] == version
    seconds = int(git(fastapi.project.root, "log", "-1", "--format=%ct"))
    created = datetime.strptime(labels[f"{prefix}created"], "%Y-%m-%dT%H:%M:%SZ")
    assert created.replace(tzinfo=UTC).timestamp() == seconds


def test_nothing_in_it_tells_when_it_was_built(platform: PlatformImage) -> None:
    times = {m.mtime for layer in platform.own_layers for m in platform.members(layer).values()}
    assert len(times) == 1
    for layer in platform.own_layers:
        assert platform.archive[layer][4:8] == b"\0\0\0\0", "no time in the gzip header (RFC 1952)"


def test_no_cache_builds_the_same_image_again(fastapi: Built) -> None:
    done = fastapi.project.ok("build", "--no-cache", "--output", "again")
    again = ImageIndex.open(fastapi.project.root / "again" / "hello.oci.tar")
    assert again.digest == fastapi.image.digest
    record = json.loads((fastapi.project.root / "again" / "build.json").read_text())
    assert record["images"]["hello"]["steps"]["executed"] > 0
    assert "nothing changed" not in done.stderr


def test_the_history_holds_no_value_of_the_host(platform: PlatformImage, fastapi: Built) -> None:
    text = json.dumps(platform.config)
    assert "hidden-token" not in text
    assert str(fastapi.project.root) not in text
    assert "HTTPS_PROXY" not in text.upper()


def test_record(fastapi: Built) -> None:
    record = fastapi.project.record()
    assert record["version"] == 1
    entry = record["images"]["hello"]
    assert entry["digest"] == fastapi.image.digest
    assert entry["output"] == "dist/hello.oci.tar"
    assert entry["tags"] == ["hello:0.1.0", "hello:latest"]
    assert entry["seconds"] > 0
    assert entry["warnings"] == []
    assert entry["up_to_date"] is False
    assert entry["steps"]["cached"] + entry["steps"]["executed"] > 0
    for name, image in fastapi.image.platforms.items():
        told = entry["platforms"][name]
        layers = image.manifest["layers"]
        assert told["digest"] == image.digest
        assert told["size"] == sum(layer["size"] for layer in layers)
        assert [(one["digest"], one["size"]) for one in told["layers"]] == [
            (layer["digest"], layer["size"]) for layer in layers
        ]
        kinds = [layer["kind"] for layer in told["layers"]]
        assert kinds[0] == "base"
        assert kinds[-1] == "app"
        assert {"pure", "native"} <= set(kinds)
