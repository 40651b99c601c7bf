"""What ``nox -s render`` writes builds the same image with nothing but docker."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.oci import ImageIndex
from tests.support.project import Done, Project


@pytest.fixture
def printed(project: Project) -> str:
    """The command that is said to build the folder."""
    done = project.ok("render", "--output", "bake")
    (line,) = (line for line in done.stderr.splitlines() if "docker buildx bake" in line)
    return line.strip()


def test_the_printed_command_builds_the_same_image(
    project: Project, printed: str, tmp_path: Path
) -> None:
    project.ok("build", "--output", str(tmp_path / "dist"))
    expected = ImageIndex.open(tmp_path / "dist" / "web.oci.tar")
    # A comment in the Dockerfile says that a network of one's own goes into this secret.
    network = tmp_path / "network.sh"
    network.write_text(f"export UV_DEFAULT_INDEX={project.env['UV_DEFAULT_INDEX']}\n")
    destination = tmp_path / "baked.tar"
    # Another test may have left layers of zstd, which BuildKit takes where it is not told.
    gzip = "compression=gzip,force-compression=true"

    done = in_shell(
        project, printed, f"--metadata-file={tmp_path / 'metadata.json'}",
        f"--allow=fs={tmp_path}", f"--set=*.output=type=oci,dest={destination},{gzip}",
        f"--set=*.secrets=type=file,id=network,src={network}",
    )  # fmt: skip

    assert done.code == 0, done.stderr
    metadata = json.loads((tmp_path / "metadata.json").read_text())
    assert metadata["web"]["containerimage.digest"] == expected.digest
    assert ImageIndex.open(destination).platforms.keys() == expected.platforms.keys()


def test_the_definition_passes_the_linter(project: Project, printed: str) -> None:
    done = in_shell(project, printed, "--call=check")
    assert done.code == 0, done.stdout + done.stderr
    assert "no warnings found" in done.stdout


def test_the_folder_reads_nothing_of_the_cache(project: Project, printed: str) -> None:
    kinds = (".json", ".txt", ".py", ".Dockerfile", ".dockerignore")
    texts = [p.read_text() for p in (project.root / "bake").rglob("*") if p.suffix in kinds]
    assert len(texts) >= 5
    assert not [text for text in texts if project.env["NOX_BUILDKIT_CACHE"] in text]


def test_rendering_again_follows_the_spec(project: Project, printed: str) -> None:
    spec = project.root / "buildspec.yaml"
    spec.write_text(spec.read_text().replace("web:", "site:"))
    project.ok("render", "--output", "bake")
    definition = json.loads((project.root / "bake" / "docker-bake.json").read_text())
    assert list(definition["target"]) == ["site"]
    before = {path.name for path in (project.root / "bake" / "inputs").iterdir()}
    spec.write_text(spec.read_text().replace("site:", "site:\n    requirements: none"))
    project.ok("render", "--output", "bake")
    after = {path.name for path in (project.root / "bake" / "inputs").iterdir()}
    assert {name.partition("-")[0] for name in before - after} == {"native", "pure"}


def test_a_file_of_authorities_is_found_from_the_folder(project: Project, tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_bytes(Path("/etc/ssl/certs/ca-certificates.crt").read_bytes())
    done = project.ok("render", SSL_CERT_FILE="../ca.pem")
    (command,) = (line for line in done.stderr.splitlines() if "docker buildx bake" in line)
    assert f"--allow=fs.read={bundle} " in f"{command} "
    override = json.loads((project.root / "bake" / "docker-bake.override.json").read_text())
    assert override["target"]["web"]["secret"] == [f"type=file,id=ca-bundle,src={bundle}"]

    done = in_shell(project, command.strip(), "--print", SSL_CERT_FILE=str(bundle))
    assert done.code == 0, done.stderr


def test_a_file_in_the_way(project: Project) -> None:
    project.write({"bake": "mine"})
    assert "bake is not a folder" in project.nox("render").cause
    assert (project.root / "bake").read_text() == "mine"


def in_shell(project: Project, command: str, *arguments: str, **env: str) -> Done:
    """Type ``command`` into a shell that was set up for the private engine."""
    setup = f'eval "$({shlex.quote(sys.executable)} -m nox -s engine -- env)"'
    done = subprocess.run(
        ["sh", "-ec", f"{setup}\n{command} {shlex.join(arguments)}"],
        cwd=project.root,
        env=project.environment(env),
        capture_output=True,
        text=True,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)
