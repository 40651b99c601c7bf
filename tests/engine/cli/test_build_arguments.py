"""Build arguments: seen by what runs during a build, and by nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.support.oci import ImageIndex, PlatformImage
from tests.support.package_index import new_version, serve
from tests.support.project import Project

SITE = "opt/venv/lib/python3.13/site-packages"
#: All that a shell, a Dockerfile or bake would read otherwise.
ODD = "a $HOME ${PATH} \"q\" 'x' \\ %{y} `id` #"


@pytest.fixture
def told(project: Project) -> Iterator[Project]:
    """A project with a package that is compiled, and a step, which both say what they are told."""
    with serve() as index:
        version = new_version()
        index.add("plain", "1.0")
        index.add_told_sdist("told", version, "FLAVOUR")
        project.env["UV_DEFAULT_INDEX"] = index.url
        make = (
            "import json, os, pathlib\n"
            "names = ('FLAVOUR', 'OWN', 'LOG_LEVEL')\n"
            "told = {name: os.environ.get(name) for name in names}\n"
            "pathlib.Path('told.json').write_text(json.dumps(told))\n"
        )
        web = {
            "base": "debian",
            "platforms": ["linux/amd64"],
            "env": {"LOG_LEVEL": "info"},
            "args": {"FLAVOUR": ODD, "OWN": "argument"},
            "steps": [
                {"run": ["python", "-c", make], "output": ["told.json"], "env": {"OWN": "step"}}
            ],
        }
        project.write(
            {
                "buildspec.yaml": json.dumps({"version": 1, "images": {"web": web}}),
                "requirements.in": f"plain\ntold=={version}\n",
            }
        )
        project.ok("lock")
        yield project


def _image(project: Project) -> PlatformImage:
    return ImageIndex.open(project.tar).platforms["linux/amd64"]


def test_steps_and_compiled_packages_see_arguments(told: Project) -> None:
    assert "arg      OWN=argument" in told.ok("plan").stdout
    done = told.ok("build")
    assert "'args' are for steps" not in done.stderr
    image = _image(told)
    assert f"TOLD = {ODD!r}\n" in image.read(f"{SITE}/told.py")
    # A step's own variables are nearer than those of the image.
    assert json.loads(image.read("app/told.json")) == {
        "FLAVOUR": ODD,
        "OWN": "step",
        "LOG_LEVEL": "info",
    }
    # No container sees them, and no history tells them.
    assert "FLAVOUR" not in json.dumps(image.config)
    assert "argument" not in json.dumps(image.config)
    assert "nothing changed" in told.ok("build").stderr

    told.ok("build", "--set", "images.web.args.FLAVOUR=plain")
    image = _image(told)
    assert "TOLD = 'plain'\n" in image.read(f"{SITE}/told.py")
    assert json.loads(image.read("app/told.json"))["FLAVOUR"] == "plain"


def test_a_compiled_wheel_is_kept_for_its_arguments_alone(told: Project) -> None:
    digests = []
    for value in ("one", "two", "one"):
        told.ok("build", "--set", f"images.web.args.FLAVOUR={value}", "--no-cache")
        assert f"TOLD = {value!r}\n" in _image(told).read(f"{SITE}/told.py")
        digests.append(told.digest())
    assert digests[0] == digests[2] != digests[1]


def test_arguments_that_nothing_reads_are_told(project: Project) -> None:
    spec = "version: 1\nimages: {web: {base: debian, args: {API_TOKEN: x}}}\n"
    project.write({"buildspec.yaml": spec})
    stderr = project.ok("build", "--platform", "linux/amd64").stderr
    assert "'args' are for steps, and for packages that are compiled or built here" in stderr
    assert "the build argument 'API_TOKEN' is named like a secret" in stderr
    # They are no part of what is built.
    again = project.ok("build", "--platform", "linux/amd64", "--set", "images.web.args.OTHER=1")
    assert "nothing changed" in again.stderr
