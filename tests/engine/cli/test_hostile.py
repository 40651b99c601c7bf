"""Whatever a spec's values hold, the real BuildKit takes them as values and runs none of them."""

from __future__ import annotations

import json

from oci import ImageIndex
from project import Project

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


def test_hostile_values_arrive_as_they_are_and_do_nothing(project: Project) -> None:
    env = {f"V{index}": value for index, value in enumerate(HOSTILE)}
    labels = {f"com.example.v{index}": value for index, value in enumerate(HOSTILE)}
    image = {
        "base": "debian",
        "requirements": "none",
        "platforms": ["linux/amd64"],
        "workdir": "/srv/my $HOME [a-z]* app",
        "entrypoint": ["python", "-c"],
        "command": list(HOSTILE),
        "env": env,
        "labels": labels,
    }
    project.write({"buildspec.yaml": json.dumps({"version": 1, "images": {"web": image}})})

    project.ok("build")

    built = ImageIndex.open(project.tar).platforms["linux/amd64"]
    config = built.config["config"]
    found = dict(pair.split("=", 1) for pair in config["Env"])
    assert {name: found[name] for name in env} == env
    assert {name: config["Labels"][name] for name in labels} == labels
    assert config["Cmd"] == list(HOSTILE)
    assert config["Entrypoint"] == ["python", "-c"]
    assert config["WorkingDir"] == "/srv/my $HOME [a-z]* app"
    assert "srv/my $HOME [a-z]* app/app/__main__.py" in built.own_names
    assert not [name for name in built.own_names if "pwned" in name]
