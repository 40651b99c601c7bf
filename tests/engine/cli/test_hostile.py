"""Whatever a spec's values hold, the real BuildKit takes them as values and runs none of them."""

from __future__ import annotations

import json
from typing import Any

from tests.support.oci import ImageIndex
from tests.support.project import Project

HOSTILE = (
    'x" && touch /pwned && echo "',
    "$(touch /pwned)",
    "`touch /pwned`",
    "${PATH} $PATH $$ $1 ${x:-y}",
    "\\${PATH} \\$ \\\\ \\n C:\\",
    "%{if true}x%{endif} ${upper(secret)}",
    "'; touch /pwned; '",
    "<<EOF",
    "# syntax=evil/frontend",
    "--mount=type=bind,from=base,target=/x",
    " spaces around ",
    "\u00fcml\u00e4ut \u2603",
    "tab\there",
    "",
)


#: In commands, `${` is a value of the environment: what is not one is refused.
WORDS = ("$PATH $$ $1 \\$HOME $", *(value for value in HOSTILE if "${" not in value))

VOLUME = "/var/data/a b,c $d 'e' \"f\" `g` ${h}"
MAKE = (
    "import json, os, sys; "
    "open(\"out 'put' $HOME\", 'w').write("
    "json.dumps({'arguments': sys.argv[1:], 'env': dict(os.environ)}))"
)


def test_hostile_values_arrive_as_they_are_and_do_nothing(project: Project) -> None:
    env = {f"V{index}": value for index, value in enumerate(HOSTILE)}
    labels = {f"com.example.v{index}": value for index, value in enumerate(HOSTILE)}
    image: dict[str, Any] = {
        "base": "debian",
        "requirements": "none",
        "platforms": ["linux/amd64"],
        "workdir": "/srv/my $HOME [a-z]* app",
        "entrypoint": ["python", "-c"],
        "command": list(WORDS),
        "env": env,
        "labels": labels,
        "directories": ["/var/log/$HOME 'x' \"y\" `z`"],
        "volumes": [VOLUME],
        "files": [{"source": "app/__main__.py", "target": "/etc/x/$(touch pwned) 'q'"}],
        "healthcheck": {"test": list(WORDS[:-1])},
        "prestart": [["python", *WORDS]],
        "steps": [
            {
                "run": ["python", "-c", MAKE, *HOSTILE],
                "output": ["out 'put' $HOME"],
                "env": {f"S{index}": value for index, value in enumerate(HOSTILE)},
            }
        ],
    }
    project.write({"buildspec.yaml": json.dumps({"version": 1, "images": {"web": image}})})

    project.ok("build")

    built = ImageIndex.open(project.tar).platforms["linux/amd64"]
    config = built.config["config"]
    found = dict(pair.split("=", 1) for pair in config["Env"])
    assert {name: found[name] for name in env} == env
    assert {name: config["Labels"][name] for name in labels} == labels
    assert config["Cmd"] == list(WORDS)
    assert config["Entrypoint"][-2:] == ["python", "-c"]
    assert config["Healthcheck"]["Test"] == ["CMD", *WORDS[:-1]]
    assert config["Volumes"] == {VOLUME: {}}
    assert "var/log/$HOME 'x' \"y\" `z`" in built.own_names
    assert "etc/x/$(touch pwned) 'q'" in built.own_names
    assert json.loads(built.read("opt/prestart/prestart.json")) == [["python", *WORDS]]
    made = json.loads(built.read("srv/my $HOME [a-z]* app/out 'put' $HOME"))
    assert made["arguments"] == list(HOSTILE)
    own = image["steps"][0]["env"]
    assert {name: made["env"][name] for name in own} == own
    assert config["WorkingDir"] == "/srv/my $HOME [a-z]* app"
    assert "srv/my $HOME [a-z]* app/app/__main__.py" in built.own_names
    assert not [name for name in built.own_names if name.endswith("/pwned")]
