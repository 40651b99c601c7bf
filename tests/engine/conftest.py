"""The real parts that engine tests stand on; each is fetched once and kept in the cache folder."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from nox_buildkit.debian.provision import SuitePackage, check_runs, provision
from nox_buildkit.engine.buildkit import Engine, Needs
from nox_buildkit.engine.find import find_engine
from nox_buildkit.engine.private import engine as private
from nox_buildkit.engine.private.engine import PrivateEngine
from nox_buildkit.files import cache_dir, private_dir, remove
from tests.support.real_parts import Tools, free_port, in_cache, wait_for

CHOICE = ("DOCKER_HOST", "DOCKER_CONTEXT", "BUILDX_BUILDER")

#: Folders of the cache that every worker uses: they are large, or made slowly.
SHARED = ("apt", "bases", "tools", "uv")
FAILED = pytest.StashKey[bool]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs an engine."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker("engine")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Know which tests have failed."""
    report = yield
    item.stash[FAILED] = report.failed or item.stash.get(FAILED, False)
    return report


@pytest.fixture
def tmp_path(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """pytest's folder of a test, removed after one that passed: images take gigabytes.

    What a test has left mounted there is an error of it.
    """
    yield tmp_path
    if not request.node.stash.get(FAILED, False):
        remove(tmp_path)


@pytest.fixture(scope="session", autouse=True)
def engine_home(worker_id: str) -> Iterator[Path]:
    """The cache folder of the session: NOX_BUILDKIT_CACHE, else the user's own.

    What is in it stays there. A test that removes or breaks an engine takes ``own_home``. Workers
    besides the first have an engine of their own, since tests give their images the same names; it
    is that of whatever such a worker starts. Autouse, so that no other fixture has set the variable
    yet.
    """
    home = cache_dir()
    if worker_id in ("master", "gw0"):
        yield home
        return
    own = private_dir(home / "test-workers" / worker_id)
    for name in SHARED:
        (home / name).mkdir(exist_ok=True)
        if not (own / name).exists():
            (own / name).symlink_to(home / name)
    with in_cache(own):
        yield own
        # EngineLife ends that of the user's cache.
        private.stop()


@pytest.fixture(scope="session")
def private_engine(engine_home: Path) -> PrivateEngine:
    """The started private engine of the session."""
    with in_cache(engine_home):
        return private.start()


@pytest.fixture(scope="session")
def engine(private_engine: PrivateEngine, engine_home: Path) -> Engine:
    """The private engine as a build finds it that names no other."""
    with in_cache(engine_home), pytest.MonkeyPatch.context() as patch:
        for name in CHOICE:
            patch.delenv(name, raising=False)
        patch.setenv("DOCKER_HOST", private_engine.host)
        return find_engine(Needs(platforms=frozenset({"linux/amd64", "linux/arm64"})))


@pytest.fixture
def own_home(private_engine: PrivateEngine, engine_home: Path) -> Iterator[Path]:
    """A cache folder for one test, with the session's programs and an engine of its own."""
    # With what has to be quoted.
    home = Path(tempfile.mkdtemp(prefix="nbk "))
    (home / "tools").symlink_to(engine_home / "tools")
    with in_cache(home):
        yield home
        private.stop()
    shutil.rmtree(home)


@pytest.fixture(scope="session")
def registry(engine_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address (``127.0.0.1:PORT``) of a real registry that lets blobs be deleted."""
    with in_cache(engine_home):
        prefix = provision(
            "docker-registry",
            [[SuitePackage("docker-registry")]],
            lambda prefix: check_runs(prefix / "usr/bin/docker-registry"),
        )
    folder = tmp_path_factory.mktemp("registry")
    address = f"127.0.0.1:{free_port()}"
    configuration = folder / "config.yml"
    configuration.write_text(
        "version: 0.1\n"
        "log: {level: warn}\n"
        f"storage: {{filesystem: {{rootdirectory: '{folder}/data'}}, delete: {{enabled: true}}}}\n"
        f"http: {{addr: '{address}'}}\n"
    )
    program = str(prefix / "usr/bin/docker-registry")
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen([program, "serve", str(configuration)], stdout=log, stderr=log) as process,
    ):
        try:
            wait_for(f"http://{address}/v2/", process)
            yield address
        finally:
            process.terminate()


@pytest.fixture(scope="session")
def tools(engine_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Tools:
    """Programs to look at images from outside, with the libraries that the host has not."""
    names = ("skopeo", "libgpgme11", "libassuan0", "libdevmapper1.02.1")
    with in_cache(engine_home):
        prefix = provision("skopeo", [[SuitePackage(name) for name in names]], _check_skopeo)
    wrapper = tmp_path_factory.mktemp("bin") / "skopeo"
    library = next(prefix.glob("usr/lib/*-linux-*"))
    program = shlex.quote(str(prefix / "usr/bin/skopeo"))
    wrapper.write_text(
        "#!/bin/sh\n"
        f'LD_LIBRARY_PATH={shlex.quote(str(library))} exec {program} --insecure-policy "$@"\n'
    )
    wrapper.chmod(0o755)
    return Tools(skopeo=wrapper)


def _check_skopeo(prefix: Path) -> None:
    library = next(prefix.glob("usr/lib/*-linux-*"))
    check_runs(prefix / "usr/bin/skopeo", libraries=library)


@pytest.fixture(autouse=True)
def no_inherited_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the shell that runs the tests says about Docker is not part of any test."""
    for name in CHOICE:
        monkeypatch.delenv(name, raising=False)
