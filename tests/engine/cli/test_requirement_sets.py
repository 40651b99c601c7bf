"""What a named set of requirements takes besides its source."""

from __future__ import annotations

from project import Project


def with_set(**keys: str) -> str:
    """A spec whose one image has a set with ``keys``, as YAML."""
    stated = "".join(f"    {key.replace('_', '-')}: {value}\n" for key, value in keys.items())
    return (
        f"version: 1\nrequirements:\n  all:\n    source: requirements.in\n{stated}"
        "images:\n  web: {base: debian, requirements: all, command: [python, -m, app]}\n"
    )


def test_an_override_wins_over_what_a_requirement_asks_for(project: Project) -> None:
    project.write(
        {
            "buildspec.yaml": with_set(overrides="[overrides.txt]"),
            "requirements.in": "plain<1.1\n",
            "overrides.txt": "plain==1.1\n",
        }
    )
    project.ok("lock")
    lock = project.root / "requirements.all.lock"
    assert "plain==1.1" in lock.read_text()

    project.write({"overrides.txt": "plain==1.0\n"})
    assert "'+plain==1.0" in project.nox("lock", "--check").cause
