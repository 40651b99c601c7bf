"""Locks as a user meets them: made, checked, refused, and never with a password in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.package_index import PackageIndex, serve
from tests.support.project import SPEC, Done, Project

DEAD = "http://127.0.0.1:9/simple/"


@pytest.fixture(autouse=True)
def no_retries(project: Project) -> None:
    """uv waits for seconds between its attempts."""
    project.env["UV_HTTP_RETRIES"] = "0"


def test_check_names_the_line_that_would_change(project: Project) -> None:
    lock = project.root / "requirements.lock"
    before = lock.read_bytes()
    assert "requirements.lock is up to date" in project.ok("lock", "--check").stderr
    project.write({"requirements.in": "plain==1.1\nfast\n"})
    cause = project.nox("lock", "--check").cause
    assert cause.codes == ["NBK302"]
    assert "requirements.lock is stale: '-plain==1.0', '+plain==1.1'" in cause
    assert "run 'nox -s lock' and commit it" in cause
    assert lock.read_bytes() == before


def test_a_fresh_lock_asks_nobody(project: Project) -> None:
    before = (project.root / "requirements.lock").stat()
    done = project.ok("lock", UV_DEFAULT_INDEX=DEAD)
    assert "requirements.lock is up to date" in done.stderr
    assert project.ok("lock", "--check", UV_DEFAULT_INDEX=DEAD).code == 0
    after = (project.root / "requirements.lock").stat()
    assert (before.st_mtime_ns, before.st_ino) == (after.st_mtime_ns, after.st_ino)


def test_a_lock_says_which_wheels_there_are_without_a_base(
    project: Project, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    done = project.ok("lock", NOX_BUILDKIT_CACHE=str(cache))
    assert "fast" in done.stderr
    assert not list((cache / "bases").glob("*"))


def test_pins_are_kept_until_they_are_upgraded(project: Project) -> None:
    project.write({"requirements.in": "plain\nfast\n"})
    project.ok("lock")
    assert "plain==1.0" in _lock(project)
    done = project.ok("lock", "--upgrade-package", "plain")
    assert "- plain==1.0" in done.stderr
    assert "+ plain==1.1" in done.stderr
    assert "plain==1.1" in _lock(project)
    assert "fast==2.0" in _lock(project)


def test_ci_refuses_a_stale_lock_and_a_person_gets_it_refreshed(project: Project) -> None:
    before = _lock(project)
    project.write({"requirements.in": "plain==1.1\nfast\n"})
    cause = project.nox("build", CI="true").cause
    assert cause.startswith("buildspec.yaml:4:5: images.web: ")
    assert "requirements.lock does not match requirements.in" in cause
    assert _lock(project) == before
    assert not (project.root / "dist").exists()

    done = project.ok("plan")
    assert "refreshed requirements.lock; commit it" in done.stderr
    assert "plain==1.1" in _lock(project)


def test_ci_refuses_a_lock_that_is_not_there(project: Project) -> None:
    (project.root / "requirements.lock").unlink()
    assert "requirements.lock is missing" in project.nox("build", CI="true").cause


def test_a_conflict_is_told_in_the_words_of_uv(project: Project) -> None:
    before = _lock(project)
    project.write({"requirements.in": "plain==1.0\nplain==1.1\n"})
    cause = project.nox("lock").cause
    assert cause.startswith("buildspec.yaml:4:5: images.web: requirements.in: uv: ")
    assert "plain==1.0 and plain==1.1" in cause
    assert _lock(project) == before


def test_a_package_that_no_index_has(project: Project) -> None:
    project.write({"requirements.in": "nowhere-to-be-found\n"})
    assert "nowhere-to-be-found was not found in the package registry" in project.nox("lock").cause


def test_credentials_of_an_index_reach_no_file_and_no_output(project: Project) -> None:
    secret = "marker-of-the-index"  # noqa: S105 - looked for everywhere
    with serve(PackageIndex(login=("me", secret))) as index:
        index.add("plain", "1.0")
        index.add_native("fast", "2.0")
        project.write({"requirements.in": "plain\nfast\n"})
        done = project.ok("lock", UV_DEFAULT_INDEX=index.url_with_login)
        plan = project.ok("plan", UV_DEFAULT_INDEX=index.url_with_login)
    refused = project.nox("lock", "--upgrade", UV_DEFAULT_INDEX=index.url_with_login)
    assert refused.cause
    for text in (_spoken(done), _spoken(plan), _spoken(refused), *_texts(project.root)):
        assert secret not in text
    cache = Path(project.env["NOX_BUILDKIT_CACHE"]) / "pylock"
    assert not [path for path in cache.iterdir() if secret in path.read_text()]


def test_named_credentials_let_uv_in(project: Project) -> None:
    with serve(PackageIndex(login=("me", "sesame"))) as index:
        index.add("plain", "1.0")
        project.write({"requirements.in": "plain\n"})
        refused = project.nox("lock", UV_DEFAULT_INDEX=f"mine={index.url}")
        assert "UV_INDEX_<NAME>_USERNAME" in refused.cause
        login = {"UV_INDEX_MINE_USERNAME": "me", "UV_INDEX_MINE_PASSWORD": "sesame"}
        project.ok("lock", UV_DEFAULT_INDEX=f"mine={index.url}", **login)
    assert "plain==1.0" in _lock(project)
    assert "sesame" not in _lock(project)


def test_a_requirement_with_a_password_is_not_locked(project: Project) -> None:
    with serve(PackageIndex()) as index:
        index.add("plain", "1.0")
        files = index.url.replace("/simple/", "/files/").replace("://", "://me:hidden@")
        wheel = f"{files}plain-1.0-py3-none-any.whl"
        project.write({"requirements.in": f"plain @ {wheel}\n"})
        before = _lock(project)
        done = project.nox("lock")
    assert "credentials" in done.cause
    assert done.cause.codes == ["NBK305"]
    assert "hidden" not in _spoken(done)
    assert _lock(project) == before


@pytest.mark.parametrize(
    ("source", "content", "cause"),
    [
        ("missing.in", None, "missing.in: no such file"),
        ("folder.txt", None, "folder.txt: is not a file"),
        ("app", None, "'app' is not a requirements file"),
        ("latin.txt", b"caf\xe9", "latin.txt:1:4: not UTF-8 text"),
        ("pyproject.toml", b"[project\n", "pyproject.toml:1:9: not TOML"),
        ("odd.in", b"plain===\n", "odd.in: uv: "),
    ],
)
def test_a_source_that_cannot_be_used(
    project: Project, source: str, content: bytes | None, cause: str
) -> None:
    (project.root / "folder.txt").mkdir()
    if content is not None:
        (project.root / source).write_bytes(content)
    spec = SPEC.replace("base: debian", "base: debian\n    requirements: all")
    project.write({"buildspec.yaml": f"{spec}requirements:\n  all:\n    source: {source}\n"})
    done = project.nox("lock")
    assert cause in done.cause
    if source not in ("pyproject.toml", "latin.txt"):
        assert done.cause.startswith("buildspec.yaml:9:13: requirements.all.source: ")


def test_a_source_that_leads_nowhere(project: Project) -> None:
    (project.root / "loop.in").symlink_to("loop.in")
    spec = SPEC.replace("base: debian", "base: debian\n    requirements: all")
    project.write({"buildspec.yaml": f"{spec}requirements:\n  all: {{source: loop.in}}\n"})
    assert "loop.in: no such file" in project.nox("lock").cause


def _lock(project: Project) -> str:
    return (project.root / "requirements.lock").read_text()


def _spoken(done: Done) -> str:
    return done.stdout + done.stderr


def _texts(root: Path) -> list[str]:
    return [path.read_text(errors="replace") for path in root.rglob("*") if path.is_file()]
