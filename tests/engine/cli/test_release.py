"""Releases to real registries: which tags move, and that none does if anything fails."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from nox_buildkit.engine.buildkit import Engine
from nox_buildkit.errors import Code, ReleaseError
from nox_buildkit.oci.image_writer import PlatformImage, write_images
from nox_buildkit.oci.layout import Layout
from nox_buildkit.release.cosign import Cosign, Signer
from nox_buildkit.release.http_repository import HttpRepository
from nox_buildkit.release.push import push
from tests.support.codes import coded
from tests.support.faulty_registry import FaultyRegistry, serve_faulty
from tests.support.project import Project, git
from tests.support.real_parts import Tools, copy_cache, free_port, in_cache
from tests.support.registries import Registry, serve_registry

SPEC = """\
version: 1
defaults: {base: debian, requirements: none, command: [python, -V]}
images:
  api:
    tags: ["{version}", "{major}.{minor}", "{major}", latest]
    repositories: [REPOSITORIES]
"""


@pytest.fixture(scope="module")
def registry(engine_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with serve_registry(tmp_path_factory.mktemp("registry"), engine_home) as registry:
        yield registry


@pytest.fixture(scope="module")
def second(engine_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with serve_registry(tmp_path_factory.mktemp("registry"), engine_home) as registry:
        yield registry


@pytest.fixture
def faulty(registry: Registry) -> Iterator[FaultyRegistry]:
    with serve_faulty(registry.address) as proxy:
        yield proxy


def commit(project: Project, version: str, tag: str = "", spec: str = "") -> None:
    """Commit the project in this version, with a git tag."""
    text = f"[project]\nname = 'api'\nversion = '{version}'\n"
    files = {"pyproject.toml": text, ".gitignore": "dist/\n"}
    project.write({**files, **({"buildspec.yaml": spec} if spec else {})})
    if not (project.root / ".git").exists():
        git(project.root, "init", "-q", "-b", "main")
    git(project.root, "add", "-A")
    git(project.root, "commit", "-q", "--allow-empty", "-m", version)
    git(project.root, "tag", tag or f"v{version}")


def spec_for(*repositories: str) -> str:
    return SPEC.replace("REPOSITORIES", ", ".join(repositories))


def digests(registry: Registry, name: str, *tags: str) -> dict[str, str]:
    found = {}
    for tag in tags:
        found[tag] = registry.manifest(name, tag)[0]
    return found


def tags_of(registry: Registry, name: str) -> set[str]:
    folder = registry.data / "docker/registry/v2/repositories" / name / "_manifests/tags"
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


def test_a_release_a_backport_a_pre_release_and_a_post_release(
    project: Project, registry: Registry, tools: Tools
) -> None:
    name = f"{registry.address}/lines/api"
    commit(project, "1.2.3", spec=spec_for(name))
    first = project.ok("release", "--image-refs", "dist/refs.txt")
    every = digests(registry, "lines/api", "1.2.3", "1.2", "1", "latest")
    released = project.record("release.json")["images"]["api"]
    assert released["up_to_date"] is False
    assert released["publications"] == [
        {
            "repository": name,
            "digest": every["1.2.3"],
            "tags": ["1.2.3", "1.2", "1", "latest"],
            "kept": {},
        }
    ]
    assert set(every.values()) == {released["publications"][0]["digest"]}
    assert f"{name}:latest@{every['latest']}" in first.stderr
    project.write({"dist/k8s.yaml": f"image: image://api # ours\nother: {name}:1\n"})
    resolved = project.ok("resolve", "dist/k8s.yaml").stdout
    reference = f"{name}@{every['latest']}"
    assert resolved == f"image: {reference} # ours\nother: {reference}\n"
    assert (project.root / "dist/refs.txt").read_text() == f"{reference}\n"
    # Third parties see the same.
    assert tools.inspect(f"docker://{name}:latest")["Digest"] == every["latest"]

    before = registry.state()
    assert "up to date" in project.ok("release").stderr
    assert project.record("release.json")["images"]["api"]["up_to_date"] is True
    assert registry.state() == before

    commit(project, "2.0.0")
    project.ok("release")
    assert digests(registry, "lines/api", "1", "latest") != every
    second = digests(registry, "lines/api", "2.0.0", "2.0", "2", "latest")
    assert len(set(second.values())) == 1

    commit(project, "1.2.9")
    shown = project.ok("tags").stdout.splitlines()
    rows = {line.split()[0].rpartition(":")[2]: line for line in shown[1:]}
    assert "move  sha256:" in rows["1"]
    assert "1.2.9 is the highest version of 1" in rows["1"]
    assert rows["latest"].endswith("2.0.0 is higher than 1.2.9")
    backport = project.ok("release")
    assert f"{name}:latest stays: 2.0.0 is higher than 1.2.9" in backport.stderr
    found = digests(registry, "lines/api", "1.2.9", "1.2", "1", "latest", "2")
    assert found["1.2.9"] == found["1.2"] == found["1"] != found["latest"]
    assert found["latest"] == found["2"] == second["2"]

    commit(project, "3.0rc1")
    project.ok("release")
    assert "3.0rc1" in tags_of(registry, "lines/api")
    assert not {"3", "3.0"} & tags_of(registry, "lines/api")
    assert digests(registry, "lines/api", "latest")["latest"] == second["2"]

    commit(project, "2.0.0.post1")
    project.ok("release")
    found = digests(registry, "lines/api", "2.0.0", "2.0.0.post1", "2", "latest")
    assert found["2.0.0"] == second["2.0.0"]
    assert found["2.0.0.post1"] == found["2"] == found["latest"] != found["2.0.0"]


def test_an_image_without_a_tag_is_built_and_not_published(
    project: Project, registry: Registry
) -> None:
    """On another branch than the default one, there is no edge."""
    name = f"{registry.address}/edge/api"
    spec = spec_for(name).replace('["{version}", "{major}.{minor}", "{major}", latest]', "[edge]")
    commit(project, "1.0", spec=spec)
    project.ok("build")
    assert project.record("build.json")["images"]["api"]["tags"] == []
    why = "api has no tag here ('edge': the default branch is not checked out)"
    assert why in project.nox("push").failure
    assert why in project.nox("release").failure
    git(project.root, "update-ref", "refs/remotes/origin/main", "HEAD")
    git(project.root, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
    project.ok("release")
    assert tags_of(registry, "edge/api") == {"edge"}


def test_there_is_nothing_to_resolve_before_a_release(project: Project) -> None:
    project.write({"k8s.yaml": "image: image://api\n"})
    assert "release.json tells of no release; run 'nox -s release'" in (
        project.nox("resolve", "k8s.yaml").cause
    )


def test_what_is_no_clean_tagged_commit_is_not_released(
    project: Project, registry: Registry
) -> None:
    name = f"{registry.address}/dirty/api"
    commit(project, "1.0", tag="v0.9", spec=spec_for(name))
    done = project.nox("release")
    assert f"{name}:1.0: the commit has the git tag v0.9, and not one of 1.0" in done.failure
    assert "there is nothing to release; commit, and tag the commit" in done.failure
    assert set(done.failure.codes) == {"NBK703"}
    git(project.root, "tag", "v1.0")
    (project.root / "pyproject.toml").write_text("[project]\nname = 'api'\nversion = '1.0' # x\n")
    assert "has changes that are not committed" in project.nox("release").failure
    git(project.root, "checkout", "-q", "pyproject.toml")
    project.write({"notes.txt": "of no image\n", "app/new.py": ""})
    assert "has changes that are not committed" in project.nox("release").failure
    assert tags_of(registry, "dirty/api") == set()
    moves = json.loads(project.ok("tags", "--json").stdout)["images"]["api"]["moves"]
    assert {move["verdict"] for move in moves} == {"keep"}
    project.ok("release", "--allow-dirty")
    assert tags_of(registry, "dirty/api") == {"1.0", "1", "latest"}


def test_a_registry_that_dies_between_two_pushes_is_gone_on_with(
    project: Project, registry: Registry, second: Registry, faulty: FaultyRegistry
) -> None:
    names = (f"{second.address}/dies/api", f"{faulty.address}/dies/api")
    commit(project, "1.2.3", spec=spec_for(*names))
    puts: list[str] = []

    def dies(method: str, path: str) -> int | None:
        if method == "PUT" and "/blobs/" in path:
            puts.append(path)
            return None if len(puts) < 3 else 0
        return None

    faulty.fault = dies
    done = project.nox("release")
    assert "cannot be reached" in done.failure
    assert f"no tag has moved; without a tag there is: {names[0]}@sha256:" in done.failure
    assert not tags_of(second, "dies/api") | tags_of(registry, "dies/api")
    assert not (project.root / "dist/release.json").exists()
    journal = project.record("release-journal.json")["repositories"]
    assert {name: entry["state"] for name, entry in journal.items()} == {names[0]: "pushed"}

    faulty.fault = lambda method, path: None
    faulty.seen.clear()
    project.ok("release")
    sent = [path for method, path in faulty.seen if method == "PUT" and "/blobs/" in path]
    assert not {path.rpartition("digest=")[2] for path in sent} & {
        path.rpartition("digest=")[2] for path in puts[:2]
    }
    for one in (second, registry):
        assert tags_of(one, "dies/api") == {"1.2.3", "1.2", "1", "latest"}


def test_a_second_registry_that_is_down_keeps_all_tags_where_they_are(
    project: Project, registry: Registry
) -> None:
    down = f"127.0.0.1:{free_port()}"
    commit(project, "1.2.3", spec=spec_for(f"{registry.address}/down/api", f"{down}/api"))
    done = project.nox("release")
    assert f"the registry {down} cannot be reached (connection refused)" in done.failure
    assert not tags_of(registry, "down/api")


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_registry_is_asked_again(
    project: Project, registry: Registry, faulty: FaultyRegistry, status: int
) -> None:
    name = f"{faulty.address}/busy{status}/api"
    commit(project, "1.2.3", spec=spec_for(name))
    refused: dict[str, int] = {}

    def busy(method: str, path: str) -> int | None:
        kind = f"{method} {path.partition('?')[0].rpartition('/')[0].rpartition('/')[2]}"
        refused[kind] = refused.get(kind, 0) + 1
        return status if refused[kind] == 1 else None

    faulty.fault = busy
    faulty.headers = {"Retry-After": "1"}
    done = project.ok("release")
    assert f"the registry {faulty.address} answers {status} to " in done.stderr
    assert "trying again in 1 s" in done.stderr
    assert len(refused) > 4
    assert len(tags_of(registry, f"busy{status}/api")) == 4


def test_a_registry_that_refuses_is_not_asked_again(
    project: Project, registry: Registry, faulty: FaultyRegistry
) -> None:
    commit(project, "1.2.3", spec=spec_for(f"{faulty.address}/refused/api"))
    faulty.fault = lambda method, path: 400 if method == "POST" else None
    done = project.nox("release")
    assert f"the registry {faulty.address} answers 400 to POST /v2/refused/api/blobs" in (
        done.failure
    )
    assert "trying again" not in done.stderr
    assert not tags_of(registry, "refused/api")


TESTED = """\
version: 1
images:
  web:
    base: debian
    requirements: all
    command: [python, -m, app, "8000"]
    repositories: [REPOSITORIES]
    test:
      - {http: /, port: 8000, contains: '"plain": "1.0"'}
      - {run: [python, -c, "print('works')"], contains: works}
      - {imports: [fast, plain, app]}
requirements:
  all: {source: requirements.in, output: requirements.lock}
"""


def test_containers_of_both_platforms_are_tested_by_digest_before_a_tag_moves(
    project: Project, registry: Registry
) -> None:
    spec = TESTED.replace("REPOSITORIES", f"{registry.address}/tested/web")
    failing = spec.replace("imports: [fast,", "imports: [nothing_like_it, fast,")
    # The application is a server, and its module starts it.
    spec, failing = (text.replace(", app]}", "]}") for text in (spec, failing))
    commit(project, "1.0", spec=failing.replace("contains: works", "contains: broken, exit: 3"))
    done = project.nox("release")
    # The container's own traceback is shown before.
    failure = done.stderr.partition(" aborted: ")[2]
    for platform in ("linux/amd64", "linux/arm64"):
        assert f"web on {platform}: import nothing_like_it, fast, plain: ended with 1, not 0" in (
            failure
        )
        assert f"web on {platform}: python -c print('works'): ended with 0, not 3" in failure
    assert "  | ModuleNotFoundError: No module named 'nothing_like_it'" in done.stderr
    assert "GET /" not in failure
    assert "no tag has moved" in failure
    assert not tags_of(registry, "tested/web")

    project.write({"buildspec.yaml": spec})
    git(project.root, "commit", "-q", "-a", "-m", "mended")
    git(project.root, "tag", "-f", "v1.0")
    project.ok("release")
    assert tags_of(registry, "tested/web") == {"1.0", "latest"}


def test_an_application_that_does_not_answer_or_ends_is_not_released(
    project: Project, registry: Registry
) -> None:
    spec = SPEC.replace("REPOSITORIES", f"{registry.address}/silent/api")
    test = "    platforms: [linux/amd64]\n    test: [{http: /, port: 8000, timeout: 2s}]\n"
    commit(project, "1.0", spec=spec.replace("[python, -V]", "[sleep, '100']") + test)
    assert "api on linux/amd64: GET / at port 8000: no answer within 2 s" in (
        project.nox("release").failure
    )
    project.write({"buildspec.yaml": spec + test})
    done = project.nox("release", "--allow-dirty")
    assert "GET / at port 8000: the container ended with 0" in done.failure
    assert "NBK802" in done.failure.codes
    assert "  | Python 3." in done.stderr
    project.write({"buildspec.yaml": spec + test.replace("port: 8000, ", "")})
    assert "the test of / has no port to ask; add 'port' to it" in (
        project.nox("release", "--allow-dirty").failure
    )
    assert not tags_of(registry, "silent/api")


@pytest.fixture(scope="module")
def cosign(engine_home: Path) -> Path:
    with in_cache(engine_home):
        return Cosign.find(Signer()).path


RIGHT, WRONG = {"COSIGN_PASSWORD": "pw"}, {"COSIGN_PASSWORD": "wrong"}
SIGNED = """\
version: 1
images:
  web:
    base: debian
    requirements: all
    command: [python, -m, app, "8000"]
    repositories: [REPOSITORIES]
    sign: {key: cosign.key, public-key: cosign.pub}
    attest: {form: FORM, vex: [vex.json, other.vex.json]}
requirements:
  all: {source: requirements.in, output: requirements.lock}
"""


VEX = """\
{
  "@context": "https://openvex.dev/ns/v0.2.0",
  "@id": "https://example.com/vex/1",
  "author": "Octocat",
  "timestamp": "2026-01-01T00:00:00Z",
  "version": 1,
  "statements": [
    {"vulnerability": {"name": "CVE-2026-0001"}, "products": [{"@id": "pkg:oci/web"}],
     "status": "not_affected", "justification": "component_not_present"}
  ]
}
"""


def keys(project: Project, cosign: Path) -> None:
    """A key pair, which git does not know and no image has, and a VEX document."""
    other = VEX.replace("CVE-2026-0001", "CVE-2026-0002")
    project.write({".dockerignore": "cosign.*\n*vex.json\n", "vex.json": VEX})
    project.write({"other.vex.json": other})
    subprocess.run(
        [cosign, "generate-key-pair"],
        cwd=project.root,
        env={**os.environ, **RIGHT},
        check=True,
        capture_output=True,
    )


def asked(cosign: Path, root: Path, *arguments: str) -> str:
    command = [str(cosign), *arguments, "--key", "cosign.pub", "--insecure-ignore-tlog=true"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.parametrize("form", ["image", "oci-artifact"])
def test_signatures_and_statements_are_read_by_others(
    project: Project, registry: Registry, cosign: Path, engine: Engine, form: str
) -> None:
    name = f"{registry.address}/signed-{form}/web"
    keys(project, cosign)
    spec = SIGNED.replace("REPOSITORIES", name).replace("FORM", form)
    if form == "oci-artifact":
        # Without a name of it, the public key is that of the key.
        spec = spec.replace(", public-key: cosign.pub", "")
    commit(project, "1.0", spec=spec)
    project.ok("release", **RIGHT)
    released = project.record("release.json")["images"]["web"]
    digest = released["publications"][0]["digest"]

    for one in (digest, *(each["digest"] for each in released["platforms"].values())):
        claims = json.loads(asked(cosign, project.root, "verify", f"{name}@{one}"))
        assert {c["critical"]["image"]["docker-manifest-digest"] for c in claims} == {one}
    arm64 = released["platforms"]["linux/arm64"]["digest"]
    envelope = asked(
        cosign, project.root, "verify-attestation", f"{name}@{arm64}", "--type", "cyclonedx"
    )
    payload = json.loads(base64.b64decode(json.loads(envelope)["payload"]))
    found = {each["purl"] for each in payload["predicate"]["components"]}
    assert {"pkg:pypi/plain@1.0", "pkg:pypi/fast@2.0"} <= found
    assert any(purl.startswith("pkg:deb/debian/libc6@") and "arm64" in purl for purl in found)

    envelopes = asked(
        cosign, project.root, "verify-attestation", f"{name}@{digest}", "--type", "openvex"
    )
    payloads = [
        json.loads(base64.b64decode(json.loads(line)["payload"])) for line in envelopes.splitlines()
    ]
    assert sorted(
        payload["predicate"]["statements"][0]["vulnerability"]["name"] for payload in payloads
    ) == ["CVE-2026-0001", "CVE-2026-0002"]

    docker = list(engine.docker.command)
    for field, expected in (
        ("SBOM", "SPDX-2.3"),
        ("Provenance", "https://github.com/moby/buildkit/blob/master/docs/attestations/slsa"),
    ):
        command = [*docker, "buildx", "imagetools", "inspect", name, "--format"]
        done = subprocess.run(
            [*command, f"{{{{json .{field}}}}}"], capture_output=True, text=True, check=True
        )
        shown = json.loads(done.stdout)
        assert set(shown) == {"linux/amd64", "linux/arm64"}
        assert expected in done.stdout

    # Nothing is signed, attested or sent twice.
    before = registry.state()
    project.ok("release", **RIGHT)
    assert registry.state() == before
    assert "; signature good; " in project.ok("verify", name, **RIGHT).stdout
    if form == "oci-artifact":
        refused = project.nox("verify", name, **WRONG)
        assert "cosign.key cannot be had: " in refused.failure
        assert "name it as 'public-key', or set COSIGN_PASSWORD" in refused.failure


def test_a_signature_that_fails_leaves_every_tag_where_it_is(
    project: Project, registry: Registry, cosign: Path
) -> None:
    name = f"{registry.address}/unsigned/web"
    keys(project, cosign)
    commit(project, "1.0", spec=SIGNED.replace("REPOSITORIES", name).replace("FORM", "image"))
    (project.root / "cosign.key").rename(project.root / "elsewhere")
    missing = project.nox("release", **RIGHT)
    assert "images.web.sign: there is no file cosign.key; correct it" in missing.failure
    assert missing.failure.codes == ["NBK709"]
    assert "RUN" not in missing.stderr
    (project.root / "elsewhere").rename(project.root / "cosign.key")
    done = project.nox("release", **WRONG)
    assert f"cosign does not sign {name}@sha256:" in done.failure
    assert "check the key and COSIGN_PASSWORD" in done.failure
    assert "NBK706" in done.failure.codes
    assert f"no tag has moved; without a tag there is: {name}@sha256:" in done.failure
    assert not tags_of(registry, "unsigned/web") & {"1.0", "latest"}
    assert "wrong" not in done.stderr
    project.ok("release", **RIGHT)
    assert {"1.0", "latest"} <= tags_of(registry, "unsigned/web")


def test_a_registry_that_does_not_answer_is_no_missing_signature(
    registry: Registry,
    faulty: FaultyRegistry,
    cosign: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write_images(tmp_path / "layout", [PlatformImage("linux/amd64", ())])
    layout = Layout(tmp_path / "layout")
    (top,) = layout.entries()
    path = f"asked/web@{top.digest}"
    push(HttpRepository.open(f"{registry.address}/asked/web"), layout, top.digest)
    monkeypatch.setenv("COSIGN_PASSWORD", "pw")
    predicate = tmp_path / "vex.json"
    predicate.write_text(VEX)
    for name in ("mine", "other"):
        command = [str(cosign), "generate-key-pair", "--output-key-prefix", name]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    mine, other = (
        Cosign(cosign, Signer(key=f"{key}.key", public_key=f"{key}.pub"))
        for key in (str(tmp_path / "mine"), str(tmp_path / "other"))
    )

    there, through = f"{registry.address}/{path}", f"{faulty.address}/{path}"
    assert not mine.verifies(there)
    mine.sign(there)
    mine.attest(there, "openvex", predicate)
    assert mine.verifies(through)
    assert not other.verifies(there)
    before = registry.state()
    mine.sign(through)
    mine.attest(through, "openvex", predicate)
    assert registry.state() == before

    faulty.fault = lambda method, path: 503
    refused = pytest.raises(ReleaseError, match=f"cosign verify of {through} fails: .* 503 ")
    with refused, coded(Code.SIGNATURE):
        mine.verifies(through)
    with pytest.raises(ReleaseError, match=f"cosign verify-attestation of {through} fails: "):
        mine.attest(through, "openvex", predicate)
    nobody = Cosign(cosign, Signer(public_key=str(tmp_path / "nobody.pub")))
    with pytest.raises(ReleaseError, match=r"fails: loading .*nobody\.pub: no such file"):
        nobody.verifies(there)


def test_runners_of_a_matrix_are_merged_into_what_one_machine_makes(
    project: Project, registry: Registry, engine_home: Path, own_home: Path, cosign: Path
) -> None:
    """Each platform is built by an engine of its own, with nothing in common but the commit."""
    name = f"{registry.address}/merged/web"
    keys(project, cosign)
    commit(project, "1.0", spec=SIGNED.replace("REPOSITORIES", name).replace("FORM", "image"))
    # Downloads, which the index of the tests does not have.
    copy_cache(engine_home, own_home, "bases", "uv")
    project.ok("build", "--platform", "linux/amd64", "--push-by-digest")
    other = {"NOX_BUILDKIT_CACHE": str(own_home), "DOCKER_HOST": ""}
    project.ok("build", "--platform", "linux/arm64", "--push-by-digest", **other)
    assert not tags_of(registry, "merged/web")
    files = sorted(path.name for path in (project.root / "dist/results").iterdir())
    assert files == ["web-linux-amd64.json", "web-linux-arm64.json"]
    again = project.ok("build", "--platform", "linux/amd64", "--push-by-digest")
    assert "pushed, without a tag" in again.stderr
    assert "nothing changed" not in again.stderr

    first, second = (f"dist/results/{file}" for file in files)
    done = project.nox("merge", first, **RIGHT)
    assert "images.web.platforms: web: no result is of linux/arm64" in done.failure
    project.write({"dist/results/other.json": '{"revision": "c0ffee"}'})
    done = project.nox("merge", first, "dist/results/other.json", **RIGHT)
    assert "dist/results/other.json is not the result of a runner" in done.failure
    assert done.failure.codes == ["NBK707"]

    text = (project.root / first).read_text()
    amd64 = project.record("results/web-linux-amd64.json")["images"]["web"]["platforms"]
    forged = text.replace(amd64["linux/amd64"]["digest"], "sha256:" + "0" * 64)
    project.write({"dist/results/other.json": forged})
    done = project.nox("merge", "dist/results/other.json", second, **RIGHT)
    assert f"{name} has other images than the runners tell of" in done.failure
    assert not tags_of(registry, "merged/web") & {"1.0", "latest"}

    project.ok("merge", first, second, **RIGHT)
    merged = project.record("release.json")["images"]["web"]
    assert merged["up_to_date"] is False
    digest = merged["publications"][0]["digest"]
    assert digests(registry, "merged/web", "1.0", "latest") == {"1.0": digest, "latest": digest}
    _, index = registry.manifest("merged/web", digest)
    kinds = [entry["platform"]["architecture"] for entry in index["manifests"]]
    # Each platform has its provenance and its bill of materials.
    assert kinds == ["amd64", "arm64", *["unknown"] * 4]
    assert asked(cosign, project.root, "verify", f"{name}@{digest}")

    project.ok("build", "--no-cache")
    alone = project.record("build.json")["images"]["web"]["platforms"]
    assert {p: each["digest"] for p, each in alone.items()} == {
        p: each["digest"] for p, each in merged["platforms"].items()
    }


def test_what_a_registry_takes_is_shown(project: Project, registry: Registry) -> None:
    name = f"{registry.address}/probed/api"
    project.write({"buildspec.yaml": spec_for(name)})
    shown = " ".join(project.ok("doctor").stdout.split())
    assert f"registry {registry.address} lets images be pushed" in shown
    assert "does without the referrers API; form of attestations: oci-artifact" in shown
    (found,) = json.loads(project.ok("doctor", "--json").stdout)["registries"]
    assert found["referrers"] is False
    before = registry.state()
    project.ok("doctor")
    assert registry.state() == before
    down = f"127.0.0.1:{free_port()}"
    project.write({"buildspec.yaml": spec_for(f"{down}/api")})
    assert f"the registry {down} cannot be reached" in project.nox("doctor").failure
