"""Bake files in JSON; those in HCL are buildx's to read, as engine tests have it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.init.projects import proposal_of, proposed

DOCKERFILE = 'FROM python:3.13-slim\nARG LEVEL\nWORKDIR /app\nCOPY . .\nCMD ["serve"]\n'
DEFINITION = {
    "variable": {"TAG": {"default": "1.0"}, "NONE": {}},
    "group": {
        "default": {"targets": ["api", "all-workers"]},
        "all-workers": {"targets": ["worker"]},
    },
    "target": {
        "common": {"args": {"LEVEL": "1", "A_TOKEN": "x"}, "platforms": ["linux/arm64"]},
        "api": {
            "inherits": ["common"],
            "args": {"LEVEL": "2"},
            "tags": ["registry.example/octocat/api:${TAG}", "registry.example/octocat/api"],
            "cache-to": ["type=registry,ref=registry.example/cache,mode=max"],
            "labels": {"team": "a"},
            "secret": ["id=a"],
            "output": ["type=docker"],
        },
        "worker": {
            "dockerfile": "worker.Dockerfile",
            "contexts": {"below": "target:api"},
            "tags": ["registry.example/octocat/jobs:1"],
        },
        "docs": {"dockerfile": "docs.Dockerfile"},
    },
}
FILES = {
    "docker-bake.json": json.dumps(DEFINITION, indent=1),
    "Dockerfile": DOCKERFILE,
    "worker.Dockerfile": 'FROM below\nENV LEVEL=3\nCMD ["work"]\n',
    "pyproject.toml": "[project]\nname = 'a'\nversion = '1.0'\ndependencies = []\n",
}


def test_targets_of_groups_are_images(tmp_path: Path) -> None:
    images, notes = proposed(tmp_path, FILES)
    assert list(images) == ["api", "worker"]
    api, worker = images.values()
    assert list(api.command) == ["serve"]
    assert api.args == {"LEVEL": "2"}
    assert list(api.platforms) == ["linux/arm64"]
    # A tag that is the project's version goes on with it.
    assert list(api.tags) == ["{version}", "latest"]
    assert list(api.repositories) == ["registry.example/octocat/{image}"]
    assert api.cache.ref == "registry.example/cache"
    assert api.labels == {"team": "a"}
    assert worker.base == "target:api"
    assert worker.env == {"LEVEL": "3"}
    assert list(worker.repositories) == ["registry.example/octocat/jobs"]
    line = FILES["docker-bake.json"].splitlines().index('   "secret": [') + 1
    assert f"docker-bake.json:{line}: target 'api': secret: not taken over" in notes
    assert "args.A_TOKEN: not taken over: everyone who has an image" in notes
    assert "FROM below" not in notes
    assert "target 'docs' is in no group, so it is no image" in notes


def test_groups_are_groups_of_images(tmp_path: Path) -> None:
    assert proposal_of(tmp_path, FILES).groups == {"all-workers": ["worker"]}


@pytest.mark.parametrize(
    ("output", "taken", "said"),
    [
        (["type=registry,compression=zstd,compression-level=3"], "zstd", ""),
        ([{"type": "image", "compression": "zstd"}, {"type": "docker"}], "zstd", ""),
        (["type=image,compression=gzip"], "gzip", ""),
        (
            ["type=image,compression=estargz"],
            "gzip",
            "target 'api': compression=estargz: not taken over",
        ),
    ],
)
def test_layers_stay_compressed_as_they_were(
    tmp_path: Path, output: list[object], taken: str, said: str
) -> None:
    definition = {"target": {"api": {"output": output}}}
    images, notes = proposed(tmp_path, {**FILES, "docker-bake.json": json.dumps(definition)})
    assert images["api"].compression == taken
    assert said in notes
    assert ("compression" in notes) == bool(said)


def test_a_service_says_how_a_target_starts(tmp_path: Path) -> None:
    compose = "services:\n  web:\n    build: .\n    command: python web.py\n    ports: [8000]\n"
    files = {**FILES, "docker-bake.json": '{"target": {"api": {}}}', "compose.yaml": compose}
    images, _ = proposed(tmp_path, files)
    assert list(images) == ["api"]
    assert list(images["api"].command) == ["python", "web.py"]
    assert list(images["api"].expose) == ["8000/tcp"]


def test_a_bake_file_that_cannot_be_read_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, notes = proposed(tmp_path, {**FILES, "docker-bake.json": "{"})
    assert "docker-bake.json: not taken over: Expecting" in notes
    # A machine without any buildx.
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("NOX_BUILDKIT_CACHE", str(tmp_path / "cache"))
    images, notes = proposed(tmp_path / "hcl", {"docker-bake.hcl": "", "Dockerfile": DOCKERFILE})
    assert list(images) == ["shop"]
    assert "docker-bake.hcl: not taken over: no docker buildx is here to read it" in notes


NAMED = """\
FROM below
WORKDIR /srv
COPY --from=assets /dist /srv/static
COPY --from=tools /tini /usr/local/bin/tini
COPY --from=shared /a /srv/a
COPY --from=front /b /srv/b
CMD ["serve"]
"""


def test_named_contexts_are_images_or_said(tmp_path: Path) -> None:
    contexts = {
        "below": "docker-image://python:3.12-slim",
        "assets": "target:my.assets",
        "tools": "docker-image://octocat/tini:1",
        "shared": "../shared",
        "front": "target:front",
    }
    target = {
        "api": {"contexts": contexts},
        "my.assets": {"dockerfile": "assets.Dockerfile"},
        "front": {"dockerfile": "front.Dockerfile"},
    }
    images, notes = proposed(
        tmp_path,
        {
            "docker-bake.json": json.dumps({"target": target}),
            "Dockerfile": NAMED,
            "assets.Dockerfile": 'FROM python:3.13-slim\nCMD ["python"]\n',
            "front.Dockerfile": "FROM node:20\n",
        },
    )
    files = [(each.from_, each.source, each.target) for each in images["api"].files]
    assert files == [
        ("target:my-assets", "/dist", "/srv/static"),
        ("octocat/tini:1", "/tini", "/usr/local/bin/tini"),
    ]
    assert images["api"].python == "3.12"
    assert "Dockerfile:5: COPY --from=shared /a /srv/a: shared is ../shared: not taken" in notes
    assert "api: files from target:front are not taken over: it is no image of Python" in notes


def test_an_override_adds_to_the_arguments(tmp_path: Path) -> None:
    base = {"target": {"api": {"args": {"LEVEL": "1", "MODE": "a"}}}}
    files = {
        "Dockerfile": DOCKERFILE.replace("ARG LEVEL", "ARG LEVEL MODE"),
        "docker-bake.json": json.dumps(base),
        "docker-bake.override.json": json.dumps({"target": {"api": {"args": {"LEVEL": "2"}}}}),
    }
    images, _ = proposed(tmp_path, files)
    assert images["api"].args == {"LEVEL": "2", "MODE": "a"}


def test_two_targets_of_one_tag_are_two_images(tmp_path: Path) -> None:
    tags = ["registry.example/octocat/app:1"]
    target = {"dev": {"tags": tags}, "prod": {"tags": tags, "target": "final"}}
    text = DOCKERFILE.replace("slim", "slim AS final")
    files = {"docker-bake.json": json.dumps({"target": target}), "Dockerfile": text}
    images, notes = proposed(tmp_path, files)
    assert [list(i.repositories or ()) for i in images.values()] == [
        ["registry.example/octocat/app"],
        [],
    ]
    why = "registry.example/octocat/app: not taken over: the tag '1' is that of dev"
    assert notes == f"prod: repositories: {why}"
