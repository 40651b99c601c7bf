"""What a container starts: values of its environment in commands."""

from __future__ import annotations

import pytest
from python_on_whales import Container, DockerClient
from python_on_whales.exceptions import DockerException

from nox_buildkit.engine.private.engine import PrivateEngine
from tests.support.oci import ImageIndex
from tests.support.project import Project

SHOW = """\
import os, signal, sys, time
print(os.getpid(), sys.argv[1:], flush=True)
if "wait" in sys.argv:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
    time.sleep(60)
"""
SPEC = """\
version: 1
images:
  web:
    base: debian
    platforms: [linux/amd64]
    copy: [show.py, check.py]
    directories: [/var/lib/show]
    command: [python, show.py, "0.0.0.0:${PORT:-8000}", "${NAME}", "$${HOME} $$5"]
    prestart: [[python, show.py, "before ${NAME}"]]
    healthcheck: {test: [python, check.py, "${PORT:-8000}"], interval: 1s}
"""


@pytest.fixture
def client(private_engine: PrivateEngine) -> DockerClient:
    return private_engine.client


def _started(client: DockerClient, *words: str, **env: str) -> Container:
    container = client.run(
        "web:latest", words, detach=True, envs=env, networks=["none"], platform="linux/amd64"
    )
    assert isinstance(container, Container)
    return container


def _said(client: DockerClient, *words: str, **env: str) -> tuple[int, str]:
    container = _started(client, *words, **env)
    with container:
        status = int(str(client.wait(container)))
        return status, str(container.logs())


def test_values_of_the_environment_are_in_commands(project: Project, client: DockerClient) -> None:
    project.write({"buildspec.yaml": SPEC, "show.py": SHOW, "check.py": "import show\n"})
    done = project.ok("build", "--load")
    assert "warning" not in done.stderr
    assert 'at the start PORT in "0.0.0.0:${PORT:-8000}"' in project.ok("plan").stdout
    config = ImageIndex.open(project.tar).platforms["linux/amd64"].config["config"]
    assert config["Cmd"][2:] == ["0.0.0.0:${PORT:-8000}", "${NAME}", "$${HOME} $$5"]

    status, said = _said(client, NAME="a b $PORT")
    *_, last = said.strip().splitlines()
    assert (status, last) == (0, "1 ['0.0.0.0:8000', 'a b $PORT', '${HOME} $5']")
    assert "['before a b $PORT']" in said
    _, said = _said(client, PORT="9", NAME="")
    assert "1 ['0.0.0.0:9', '', '${HOME} $5']" in said

    # Nothing runs without them, not even what comes first.
    status, said = _said(client, PORT="9")
    assert status == 1
    assert said.splitlines() == [
        "interpolate: NAME is not set, and '${NAME}' needs it; start the container with --env "
        "NAME=…"
    ]
    # The words of `docker run` are nobody's but its own.
    _, said = _said(client, "python", "show.py", "${HOME}", "$$", NAME="x")
    assert "1 ['${HOME}', '$$']" in said


def test_signals_reach_the_command_and_a_health_check_gets_values(
    project: Project, client: DockerClient
) -> None:
    check = "import pathlib, sys; pathlib.Path('/var/lib/show/port').write_text(sys.argv[1])\n"
    spec = SPEC.replace('"$${HOME} $$5"', "wait")
    project.write({"buildspec.yaml": spec, "show.py": SHOW, "check.py": check})
    project.ok("build", "--load")
    with _started(client, PORT="81", NAME="x") as container:
        for _ in range(100):
            try:
                assert container.execute(["cat", "/var/lib/show/port"]) == "81"
                break
            except DockerException:
                continue
        else:
            raise AssertionError(container.logs())
        container.stop(time=20)
        container.reload()
        assert container.state.exit_code == 7


def test_a_command_without_values_is_what_it_was(project: Project) -> None:
    project.write({"buildspec.yaml": SPEC, "show.py": SHOW, "check.py": "import show\n"})
    project.ok(
        "build",
        *("--set", "images.web.command=[sh, -c, 'exec python show.py $${PORT:-8000}']"),
        *("--set", "images.web.prestart=[]"),
        *("--set", "images.web.healthcheck.test=[python, check.py]"),
    )
    image = ImageIndex.open(project.tar).platforms["linux/amd64"]
    config = image.config["config"]
    assert config["Cmd"] == ["sh", "-c", "exec python show.py $${PORT:-8000}"]
    assert not config.get("Entrypoint")
    assert not any(name.startswith("opt/start") for name in image.own_names)
