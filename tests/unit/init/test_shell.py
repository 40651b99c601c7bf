"""Command lines with a shell, and what they are without one."""

from __future__ import annotations

import pytest

from nox_buildkit.init.shell import check_form, exec_form, shell_form


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("python -m shop", ["python", "-m", "shop"]),
        ("exec gunicorn 'shop:create_app()'", ["gunicorn", "shop:create_app()"]),
        ("serve --bind :$PORT", ["serve", "--bind", ":${PORT:-8000}"]),
        ("serve --bind :${PORT:-9000}", ["serve", "--bind", ":${PORT:-9000}"]),
        ("serve --level=$LEVEL", ["serve", "--level=${LEVEL:-}"]),
        # What takes a shell has one.
        ("serve $OPTIONS", ["sh", "-c", "serve $OPTIONS"]),
        ("serve '$LEVEL'", ["sh", "-c", "serve '$LEVEL'"]),
        ("serve | tee log", ["sh", "-c", "serve | tee log"]),
        ("A=1 serve", ["sh", "-c", "A=1 serve"]),
        ("cd app && serve", ["sh", "-c", "cd app && serve"]),
        ("serve $(nproc)", ["sh", "-c", "serve $(nproc)"]),
        ("serve &", ["sh", "-c", "serve &"]),
        ("serve 'a", ["sh", "-c", "serve 'a"]),
        ("", ["sh", "-c", ""]),
    ],
)
def test_a_line_needs_no_shell_where_its_words_are_plain(line: str, command: list[str]) -> None:
    found = shell_form(line, {"PORT": "8000"})
    assert list(found.command) == command
    assert not found.prestart


def test_what_runs_before_is_a_prestart() -> None:
    found = shell_form("python manage.py migrate && exec gunicorn shop", {})
    assert found.keys == {
        "command": ["gunicorn", "shop"],
        "prestart": [["python", "manage.py", "migrate"]],
    }


@pytest.mark.parametrize("shell", [["sh", "-c"], ["/bin/bash", "-ec"], ["bash", "-lc"]])
def test_a_shell_of_an_exec_form_is_left_out(shell: list[str]) -> None:
    assert exec_form([*shell, "serve a"], {}).command == ("serve", "a")
    assert exec_form([*shell, "serve | a"], {}).command == (*shell, "serve | a")
    assert exec_form(["serve", "a | b"], {}).command == ("serve", "a | b")


def test_a_check_may_fail_in_any_way() -> None:
    assert check_form("curl -f http://localhost/ || exit 1", {}) == (
        "curl", "-f", "http://localhost/",
    )  # fmt: skip
    assert check_form("a && b", {}) == ("sh", "-c", "a && b")
