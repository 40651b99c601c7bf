"""Settings of Django, and what an image needs of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.init.projects import proposed

MANAGE = "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'site.settings')\n"


def image_of(folder: Path, settings: str, below: str = "", **more: str) -> tuple[Any, str]:
    files = {
        "requirements.txt": "django\ngunicorn\n",
        f"{below}manage.py": MANAGE,
        f"{below}site/settings.py": settings,
        f"{below}site/wsgi.py": "",
        **more,
    }
    images, notes = proposed(folder, files)
    (image,) = images.values()
    return image, notes


@pytest.mark.parametrize(
    ("key", "variable"),
    [
        ("os.environ['KEY']", "KEY"),
        ("os.environ.get('KEY')", "KEY"),
        ("os.getenv('KEY', '')", "KEY"),
        ("config('KEY')", "KEY"),
        ("env.str('KEY')", "KEY"),
        ("os.environ.get('KEY', 'insecure')", ""),
        ("'insecure'", ""),
    ],
)
def test_files_are_collected_with_a_key_of_the_build(
    key: str, variable: str, tmp_path: Path
) -> None:
    settings = f"SECRET_KEY = {key}\nINSTALLED_APPS = ['django.contrib.staticfiles']\n"
    image, notes = image_of(tmp_path, settings + "STATIC_ROOT = BASE_DIR / 'out' / 'static'\n")
    (step,) = image.steps
    assert list(step.run) == ["python", "manage.py", "collectstatic", "--noinput"]
    assert list(step.output) == ["out/static"]
    assert step.env == ({variable: "only-for-the-build"} if variable else {})
    said = f"site.settings: {variable} has to be set when a container starts"
    assert (said in notes) == bool(variable)


def test_what_else_has_to_be_set_leaves_files_to_their_author(tmp_path: Path) -> None:
    settings = "HOST = os.environ['HOST']\nINSTALLED_APPS = ['django.contrib.staticfiles']\n"
    image, notes = image_of(tmp_path, settings + "STATIC_ROOT = os.path.join(BASE_DIR, 'static')\n")
    assert not image.steps
    assert "site.settings: HOST has to be set when a container starts" in notes


@pytest.mark.parametrize(
    ("path", "directories", "writable"),
    [
        ("BASE_DIR / 'data/db.sqlite3'", ["/app/data"], False),
        ("os.path.join(BASE_DIR, 'data', 'db.sqlite3')", ["/app/data"], False),
        ("str(BASE_DIR / 'db.sqlite3')", [], True),
    ],
)
def test_a_database_in_a_file_is_migrated_where_it_can_be_written(
    path: str, directories: list[str], writable: bool, tmp_path: Path
) -> None:
    engine = "django.db.backends.sqlite3"
    settings = f"DATABASES = {{'default': {{'ENGINE': '{engine}', 'NAME': {path}}}}}\n"
    image, notes = image_of(tmp_path, settings)
    assert [list(words) for words in image.prestart] == [
        ["python", "manage.py", "migrate", "--noinput"]
    ]
    assert list(image.directories) == directories
    assert image.writable_workdir == writable
    assert "the database is a file" in notes


def test_a_project_may_lie_in_a_folder(tmp_path: Path) -> None:
    image, _ = image_of(tmp_path, "STATIC_ROOT = 'x'\n", "backend/")
    assert image.env == {"DJANGO_SETTINGS_MODULE": "site.settings", "PYTHONPATH": "/app/backend"}
    assert list(image.command) == ["gunicorn", "--bind", "0.0.0.0:8000", "site.wsgi"]


def test_a_dockerfile_that_collects_files_has_the_step(tmp_path: Path) -> None:
    settings = (
        "INSTALLED_APPS = ['django.contrib.staticfiles']\nSTATIC_ROOT = BASE_DIR / 'static'\n"
    )
    text = 'FROM python:3.13-slim\nWORKDIR /srv\nCOPY . .\n{}CMD ["gunicorn", "site.wsgi"]\n'
    run = "RUN python manage.py collectstatic\n"
    image, notes = image_of(tmp_path / "1", settings, Dockerfile=text.format(run))
    assert image.steps
    assert "collectstatic" not in notes
    image, _ = image_of(tmp_path / "2", settings, Dockerfile=text.format(""))
    assert not image.steps


TWO = {
    "requirements.txt": "django\ngunicorn\n",
    "manage.py": "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'config.settings.local')\n",
    "config/settings/base.py": (
        "INSTALLED_APPS = ['django.contrib.staticfiles']\nSTATIC_ROOT = BASE_DIR / 'static'\n"
    ),
    "config/settings/local.py": "DEBUG = True\n",
    "config/settings/production.py": "SECRET_KEY = os.environ['KEY']\n",
    "config/wsgi.py": (
        "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'config.settings.production')\n"
    ),
}
SETTINGS = {"DJANGO_SETTINGS_MODULE": "config.settings.production"}


def test_settings_are_those_of_what_is_served(tmp_path: Path) -> None:
    images, notes = proposed(tmp_path / "1", TWO)
    assert images["shop"].env == SETTINGS
    assert images["shop"].steps[0].env == {"KEY": "only-for-the-build", **SETTINGS}
    assert "config.settings.production: KEY has to be set when a container starts" in notes
    files = {**TWO, "requirements.txt": "django\n"}
    images, _ = proposed(tmp_path / "2", files)
    assert images["shop"].env == {"DJANGO_SETTINGS_MODULE": "config.settings.local"}
    assert images["shop"].steps[0].env == {}


@pytest.mark.parametrize(("line", "env"), [("", SETTINGS), ("ENV A=1\n", SETTINGS),
                                           ("ENV DJANGO_SETTINGS_MODULE=x\n", {})])  # fmt: skip
def test_a_dockerfile_that_starts_a_server_gets_no_variable(
    line: str, env: dict[str, str], tmp_path: Path
) -> None:
    text = "FROM python:3.13-slim\nWORKDIR /app\nCOPY . .\nRUN python manage.py collectstatic\n"
    text += f'{line}CMD ["gunicorn", "config.wsgi"]\n'
    images, _ = proposed(tmp_path, {**TWO, "Dockerfile": text})
    assert images["shop"].env.get("DJANGO_SETTINGS_MODULE") == ("x" if "x" in line else None)
    assert images["shop"].steps[0].env == {"KEY": "only-for-the-build", **env}
