"""What surrounds an application: owned folders, placed files, programs before the start, config."""

from __future__ import annotations

import json

import pytest

from nox_buildkit.engine.private.engine import PrivateEngine
from tests.support.oci import ImageIndex, PlatformImage
from tests.support.project import Project

SPEC = """\
version: 1
images:
  web:
    base: debian
    platforms: [linux/amd64]
    copy: [app]
    command: [python, -m, app.report]
    prestart:
      - [python, -m, app.prepare, "one $HOME two"]
    directories: [/var/log/app, /app, /app/app/caf\u00e9]
    volumes: [/app/media]
    files:
      - {source: deploy/app.ini, target: /etc/app/app.ini, mode: "0440", owner: "0:10001"}
    healthcheck: {test: [python, -m, app.health], interval: 1m30s, retries: 2, start-period: 5s}
    stop-signal: SIGINT
"""
PREPARE = """\
import pathlib
import sys

pathlib.Path("/var/log/app/prepared").write_text(sys.argv[1])
"""
REPORT = """\
import os
import pathlib

print(os.getpid(), pathlib.Path("/var/log/app/prepared").read_text())
print(pathlib.Path("/etc/app/app.ini").read_text(), end="")
pathlib.Path("/app/media/upload").write_text("kept")
"""


@pytest.fixture
def surrounded(project: Project) -> Project:
    return project.write(
        {
            "buildspec.yaml": SPEC,
            "deploy/app.ini": "[app]\n",
            "app/prepare.py": PREPARE,
            "app/report.py": REPORT,
            "app/caf\u00e9/cafe\u0301.txt": "",
        }
    )


def _image(project: Project) -> PlatformImage:
    return ImageIndex.open(project.tar).platforms["linux/amd64"]


def test_folders_files_and_configuration(
    surrounded: Project, private_engine: PrivateEngine
) -> None:
    plan = surrounded.ok("plan").stdout
    assert "/etc/app/app.ini, mode 0440, owned by 0:10001" in plan
    surrounded.ok("build")

    image = _image(surrounded)
    members = {name: m for layer in image.own_layers for name, m in image.members(layer).items()}
    owned = {name: (m.uid, m.gid, m.mode) for name, m in members.items()}
    folders = ("var/log/app", "app/media", "app", "app/app/caf\u00e9")
    assert {owned[name] for name in folders} == {(10001, 10001, 0o755)}
    assert owned["app/app/caf\u00e9/cafe\u0301.txt"] == (0, 0, 0o644)
    assert owned["etc/app/app.ini"] == (0, 10001, 0o440)
    assert owned["var/log"] == (0, 0, 0o755)
    assert not [name for name in members if name.startswith("app/deploy")]
    config = image.config["config"]
    assert config["Volumes"] == {"/app/media": {}}
    assert config["StopSignal"] == "SIGINT"
    assert config["Healthcheck"] == {
        "Test": ["CMD", "python", "-m", "app.health"],
        "Interval": 90_000_000_000,
        "StartPeriod": 5_000_000_000,
        "Retries": 2,
    }

    private_engine.client.load(surrounded.tar)
    said = private_engine.client.run("web:latest", remove=True, platform="linux/amd64")
    assert str(said) == "1 one $HOME two\n[app]"


def test_a_changed_file_is_a_changed_image(surrounded: Project) -> None:
    surrounded.ok("build")
    before = surrounded.record()["images"]["web"]["digest"]
    assert "nothing changed" in surrounded.ok("build").stderr
    surrounded.write({"deploy/app.ini": "[app]\ndebug = no\n"})
    surrounded.ok("build")
    assert surrounded.record()["images"]["web"]["digest"] != before


def test_a_program_before_the_start_that_fails_ends_the_container(
    surrounded: Project, private_engine: PrivateEngine
) -> None:
    surrounded.write({"app/prepare.py": "import sys\n\nsys.exit(7)\n"})
    surrounded.ok("build")
    private_engine.client.load(surrounded.tar)
    container = private_engine.client.create("web:latest", platform="linux/amd64")
    with container:
        container.start()
        assert private_engine.client.wait(container) == 7
        logs = container.logs()
        assert "prestart: python -m app.prepare one $HOME two: failed (7)" in str(logs)


def test_a_step_makes_files_once_for_all_platforms(project: Project) -> None:
    make = (
        "import os, pathlib, fast, plain\n"
        "pathlib.Path('static/css').mkdir(parents=True)\n"
        "text = f'{fast.PLATFORM} {os.environ[\"NAME\"]} {os.getcwd()}'\n"
        "pathlib.Path('static/css/site.css').write_text(text)\n"
        "pathlib.Path('left.over').write_text(text)\n"
    )
    step = {"run": ["python", "-c", make], "output": ["static"], "env": {"NAME": "a $b 'c'"}}
    web = {"base": "debian", "command": ["python", "-m", "app", "8000"], "steps": [step]}
    project.write({"buildspec.yaml": json.dumps({"version": 1, "images": {"web": web}})})

    project.ok("build")

    image = ImageIndex.open(project.tar)
    layers = {one.own_layers[-2] for one in image.platforms.values()}
    assert len(layers) == 1
    built = image.platforms["linux/arm64"]
    assert built.read("app/static/css/site.css") == "linux/amd64 a $b 'c' /app"
    assert "app/left.over" not in built.own_names
    assert "nothing changed" in project.ok("build").stderr

    # An image for another platform alone is the same image.
    whole = project.record()["images"]["web"]["platforms"]["linux/arm64"]["digest"]
    project.ok("build", "--platform", "linux/arm64")
    assert project.record()["images"]["web"]["platforms"]["linux/arm64"]["digest"] == whole

    step["output"] = ["nowhere"]
    project.write({"buildspec.yaml": json.dumps({"version": 1, "images": {"web": web}})})
    done = project.nox("build")
    assert done.code != 0
    assert "nowhere" in done.stderr


def test_a_file_that_is_not_there(surrounded: Project) -> None:
    (surrounded.root / "deploy/app.ini").unlink()
    cause = surrounded.nox("build").cause
    assert cause.startswith("buildspec.yaml:13:18: images.web.files.0.source: ")
    assert "'deploy/app.ini' is not in the context" in cause
    assert not (surrounded.root / "dist").exists()


def test_an_owner_that_the_base_does_not_know(surrounded: Project) -> None:
    surrounded.write({"buildspec.yaml": SPEC.replace('"0:10001"', "uwsgi")})
    done = surrounded.nox("build")
    assert "the base has no user or group 'uwsgi'" in done.stderr
    assert done.code != 0


def test_a_user_by_name_is_the_bases_or_is_made(project: Project) -> None:
    spec = "version: 1\nimages: {web: {base: debian, user: NAME, directories: [/data]}}\n"
    for name, number in (("shop", 10001), ("www-data", 33)):
        project.write({"buildspec.yaml": spec.replace("NAME", name)})
        done = project.ok("build", "--platform", "linux/amd64", "--no-cache")
        said = f"the base has no user '{name}': one with the ID {number} is made"
        assert (said in done.stderr) == (name == "shop")
        image = _image(project)
        assert image.config["config"]["User"] == name
        (line,) = [x for x in image.read("etc/passwd").splitlines() if x.startswith(f"{name}:")]
        assert line.split(":")[2:4] == [str(number)] * 2
        data = image.members(image.own_layers[-1])["data"]
        assert (data.uid, data.gid) == (number, number)


def test_a_user_can_have_an_id_of_its_own(project: Project, private_engine: PrivateEngine) -> None:
    spec = "version: 1\nimages: {web: {base: debian, user: USER, directories: [/data]}}\n"
    project.write({"buildspec.yaml": spec.replace("USER", "{name: app, uid: 999}")})
    project.ok("build", "--platform", "linux/amd64", "--load")
    image = _image(project)
    assert image.config["config"]["User"] == "999:999"
    data = image.members(image.own_layers[-1])["data"]
    assert (data.uid, data.gid) == (999, 999)
    said = private_engine.client.run("web:latest", ["id"], remove=True, networks=["none"])
    assert said == "uid=999(app) gid=999(app) groups=999(app)"

    for user, cause in (
        ("{name: www-data, uid: 999}", "the base has a user 'www-data' with the ID 33, not 999"),
        ("{name: app, uid: 33}", "the ID 33 of 'app' belongs to the user 'www-data' of the base"),
    ):
        project.write({"buildspec.yaml": spec.replace("USER", user)})
        done = project.nox("build", "--platform", "linux/amd64")
        assert done.code != 0
        assert done.cause.startswith("buildspec.yaml:2:36: images.web.user: ")
        assert done.cause.codes == ["NBK604"]
        assert cause in done.cause


def test_folders_of_a_user_have_the_first_group_of_that_user(project: Project) -> None:
    # The group of the user nobody has another name.
    spec = "version: 1\nimages: {web: {base: debian, user: nobody, directories: [/data]}}\n"
    project.write({"buildspec.yaml": spec})
    project.ok("build", "--platform", "linux/amd64")
    image = _image(project)
    data = image.members(image.own_layers[-1])["data"]
    assert (data.uid, data.gid) == (65534, 65534)


def test_the_configuration_is_the_same_without_this_program(surrounded: Project) -> None:
    plan = json.loads(surrounded.ok("plan", "--json").stdout)["images"][0]
    surrounded.ok("render", "--output", "bake")
    text = (surrounded.root / "bake" / "web.Dockerfile").read_text()
    assert "HEALTHCHECK --interval=1m30s --start-period=5s --retries=2 CMD" in text
    assert plan["config"]["stop_signal"] == "SIGINT"
    (placed,) = plan["files"]
    (copied,) = (surrounded.root / "bake" / "inputs").glob(f"*/files/{placed['digest']}")
    assert copied.read_text() == "[app]\n"


def test_packages_for_steps_are_not_in_the_image(project: Project) -> None:
    project.write(
        {
            "buildspec.yaml": """\
version: 1
images:
  web:
    base: debian
    platforms: [linux/arm64]
    steps-apt: [gettext]
    steps: [{run: [msgfmt, --output-file, app.mo, app.po], output: [app.mo]}]
""",
            "app.po": 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n'
            'msgid "yes"\nmsgstr "ja"\n',
        }
    )
    plan = project.ok("plan", "--json")
    found = {p["name"]: p for p in json.loads(plan.stdout)["images"][0]["step_debian"]}
    assert found["gettext"]["asked"] == "gettext"
    assert f"for steps: gettext {found['gettext']['version']}" in project.ok("plan").stdout
    project.ok("build")
    image = ImageIndex.open(project.tar).platforms["linux/arm64"]
    assert "app/app.mo" in {name for layer in image.own_layers for name in image.members(layer)}
    assert not any(name.endswith("bin/msgfmt") for x in image.layers for name in image.members(x))

    cause = project.nox("build", "--set", "images.web.steps=[]").cause
    assert cause.startswith("buildspec.yaml:6:16: images.web.steps-apt: these packages are for")
    cause = project.nox("build", "--set", "images.web.steps-apt=[gettxt]").cause
    assert cause.codes == ["NBK507"]
    assert "no package of Debian trixie" in cause
    assert "is named 'gettxt'; did you mean" in cause
