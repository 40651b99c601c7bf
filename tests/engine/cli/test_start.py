"""What a container starts: values of its environment in commands, and the user that it becomes."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

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
                time.sleep(0.1)
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


WHO = """\
import json, os, pathlib, pwd
state = {name: os.stat(name) for name in ("/config", "/data", "/app")}
print(json.dumps({
    "pid": os.getpid(), "ids": os.getresuid() + os.getresgid(), "groups": os.getgroups(),
    "home": os.environ["HOME"], "name": pwd.getpwuid(os.getuid()).pw_name,
    "owners": {name: [one.st_uid, one.st_gid] for name, one in state.items()},
}))
pathlib.Path("/config/written").write_text("x")
try:
    os.setuid(0)
except PermissionError:
    print("no way back")
"""
ROOT = """\
version: 1
images:
  web:
    base: debian
    platforms: [linux/amd64]
    copy: [who.py]
    user: {name: app, uid: 1500, from-environment: true}
    directories: [/config]
    volumes: [/data]
    prestart: [[python, -c, "import os; print('before', os.getuid())"]]
    command: [python, who.py]
"""


def _who(client: DockerClient, *options: str, **env: str) -> tuple[int, str, dict[str, Any]]:
    """The status of a container, what it said, and what it found itself to be."""
    given = [f"--env={name}={value}" for name, value in env.items()]
    done = subprocess.run(
        [
            *client.client_config.docker_cmd,
            "run",
            "--rm",
            "--network=none",
            *given,
            *options,
            "web",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    found: dict[str, Any] = next(
        (json.loads(line) for line in said.splitlines() if line.startswith("{")), {}
    )
    return done.returncode, said, found


@pytest.fixture
def becoming(project: Project, client: DockerClient) -> Project:
    project.write({"buildspec.yaml": ROOT, "who.py": WHO})
    done = project.ok("build", "--load")
    assert "warning" not in done.stderr
    return project


def test_a_container_becomes_the_user_of_its_environment(
    becoming: Project, client: DockerClient, tmp_path: Path
) -> None:
    said = becoming.ok("plan").stdout
    assert "user 1500:1500 or that of PUID and PGID, after a start as root" in said
    config = ImageIndex.open(becoming.tar).platforms["linux/amd64"].config["config"]
    assert config["User"] == "0:0"

    status, said, who = _who(client)
    assert status == 0, said
    assert "before 1500\n" in said
    assert said.endswith("no way back\n")
    assert who == {
        "pid": 1,
        "ids": [1500] * 6,
        "groups": [],
        "home": "/nonexistent",
        "name": "app",
        "owners": {"/config": [1500, 1500], "/data": [1500, 1500], "/app": [0, 0]},
    }

    # A folder of the machine that belongs to somebody else stays theirs.
    (tmp_path / "media").mkdir()
    os.chown(tmp_path / "media", 1026, 100)
    volume = f"--volume={tmp_path}/media:/data"
    status, said, who = _who(client, volume, PUID="1026", PGID="100")
    assert status == 0, said
    assert (who["ids"], who["name"]) == ([1026] * 3 + [100] * 3, "app")
    assert who["owners"] == {"/config": [1026, 100], "/data": [1026, 100], "/app": [0, 0]}
    os.chown(tmp_path / "media", 1234, 1234)
    _, _, who = _who(client, volume, PUID="1026")
    assert who["owners"]["/data"] == [1234, 1234]


def test_what_keeps_a_container_from_becoming_a_user_is_said(
    becoming: Project, client: DockerClient
) -> None:
    for value, cause in (
        ("me", "become: PUID is 'me', which is not an ID; write a number such as 1000\n"),
        ("-1", "become: PUID is '-1', which is not an ID; write a number such as 1000\n"),
        ("9999999999", "become: PUID is '9999999999', which is not an ID; write a number"),
        ("0", "become: PUID is 0, and this image does not run as root; name another user\n"),
    ):
        status, said, _ = _who(client, PUID=value)
        assert status == 1
        assert said.startswith(cause)
    status, said, _ = _who(client, "--cap-drop=ALL")
    assert status == 1
    assert "leave it the capabilities SETUID and SETGID, or start it with --user 1500:1500" in said

    # Where the file system cannot be written to, there is no name for the user.
    writable = ("--read-only", "--tmpfs=/config:mode=1777")
    _, said, _ = _who(client, *writable, PUID="1026")
    assert "uid not found: 1026" in said
    # Whoever states a user has it.
    status, said, who = _who(client, "--user=1500:1500", PUID="1026")
    assert (status, who["ids"][0]) == (0, 1500)
    assert "the container was started as user 1500, so PUID does not count" in said


def test_a_health_check_is_no_root_either(project: Project, client: DockerClient) -> None:
    check = "{test: [python, -c, \"import os; open('/config/check', 'w').write(f'{os.getuid()}')\"]"
    spec = ROOT.replace("[python, who.py]", "[python, -c, 'import time; time.sleep(60)']")
    project.write({"buildspec.yaml": f"{spec}    healthcheck: {check}, interval: 1s}}\n"})
    project.ok("build", "--load", "--set", "images.web.copy=[app]")
    with _started(client, PUID="77") as container:
        for _ in range(100):
            try:
                assert container.execute(["cat", "/config/check"]) == "77"
                break
            except DockerException:
                time.sleep(0.1)
        else:
            raise AssertionError(container.logs())


WRITES = """\
import os, pathlib, pwd
for path in (".", "write.py", "made/file"):
    state = os.stat(path)
    print(path, pwd.getpwuid(state.st_uid).pw_name, state.st_uid, oct(state.st_mode)[-3:])
pathlib.Path("new.sqlite3").write_text("x")
pathlib.Path("made/file").write_text("y")
print("above", os.stat("..").st_uid)
"""


def test_a_working_folder_can_belong_to_the_user(project: Project, client: DockerClient) -> None:
    step = {"run": ["sh", "-c", "mkdir made; echo x > made/file"], "output": ["made"]}
    web: dict[str, object] = {
        "base": "debian",
        "platforms": ["linux/amd64"],
        "workdir": "/srv/my shop",
        "copy": ["write.py"],
        "steps": [step],
        "command": ["python", "write.py"],
    }

    def said(*options: str, **keys: object) -> tuple[int, list[str]]:
        spec = {"version": 1, "images": {"web": {**web, **keys}}}
        project.write({"buildspec.yaml": json.dumps(spec), "write.py": WRITES})
        project.ok("build", "--load")
        status, text, _ = _who(client, *options)
        return status, text.splitlines()

    for user, name, number in (
        ("10001", "app", 10001),
        ("www-data", "www-data", 33),
        # Nobody knows its ID before the build.
        ("shop", "shop", 10001),
        ({"name": "me", "uid": 1000, "gid": 100}, "me", 1000),
    ):
        assert said(user=user, **{"writable-workdir": True}) == (
            0,
            [
                f". {name} {number} 755",
                f"write.py {name} {number} 644",
                f"made/file {name} {number} 644",
                "above 0",
            ],
        )
        assert "which belongs to the user" in project.ok("plan").stdout
    # The files, too, have the IDs of another machine then.
    user = {"name": "me", "uid": 1000, "from-environment": True}
    _, lines = said("--env=PUID=1026", user=user, **{"writable-workdir": True})
    assert lines[:3] == [". me 1026 755", "write.py me 1026 644", "made/file me 1026 644"]

    status, lines = said()
    assert status == 1
    assert lines[0] == ". root 0 755"
    assert "Permission denied: 'new.sqlite3'" in lines[-1]
