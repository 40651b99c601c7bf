"""Values of OCI images: what is written is read again, and what is no image is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nox_buildkit.oci.content import (
    CONFIG,
    DOCKER_INDEX,
    INDEX,
    LAYER_GZIP,
    MANIFEST,
    Configuration,
    Descriptor,
    Index,
    Manifest,
    is_index,
)
from nox_buildkit.oci.platform import PLATFORMS, Platform

DIGEST = "sha256:" + "ab" * 32
texts = st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=3)
digests = st.text("0123456789abcdef", min_size=64, max_size=64).map("sha256:{}".format)
descriptors = st.builds(
    Descriptor,
    st.sampled_from([MANIFEST, CONFIG, LAYER_GZIP]),
    digests,
    st.integers(0, 2**40),
    st.none() | st.sampled_from(sorted(PLATFORMS)).map(Platform.parse),
    texts,
)

layers = st.lists(descriptors, max_size=3).map(tuple)
optional = st.none() | descriptors


@given(st.lists(descriptors, max_size=4).map(tuple), st.sampled_from([INDEX, DOCKER_INDEX]), texts)
def test_an_index_is_read_as_it_was_written(
    manifests: tuple[Descriptor, ...], media_type: str, annotations: dict[str, str]
) -> None:
    index = Index(manifests, media_type, annotations)
    assert Index.parse(index.to_bytes()) == index
    assert is_index(index.to_bytes())


@given(st.builds(Manifest, descriptors, layers, texts, st.text(max_size=9), optional))
def test_a_manifest_is_read_as_it_was_written(manifest: Manifest) -> None:
    assert Manifest.parse(manifest.to_bytes()) == manifest
    assert not is_index(manifest.to_bytes())


@given(st.sampled_from(sorted(PLATFORMS)), texts, st.lists(digests, max_size=3).map(tuple))
def test_a_configuration_is_read_as_it_was_written(
    platform: str, process: dict[str, str], diff_ids: tuple[str, ...]
) -> None:
    configuration = Configuration(Platform.parse(platform), process, diff_ids, "1970-01-01")
    assert Configuration.parse(configuration.to_bytes()) == configuration


def test_attestations_are_no_images() -> None:
    image = {"digest": DIGEST, "size": 1, "platform": {"os": "linux", "architecture": "arm64"}}
    unknown = {**image, "platform": {"os": "unknown", "architecture": "unknown"}}
    annotated = {**image, "annotations": {"vnd.docker.reference.type": "attestation-manifest"}}
    index = Index.parse(json.dumps({"manifests": [unknown, image, annotated]}).encode())
    assert [str(each.platform) for each in index.images] == ["linux/arm64"]
    assert len(index.manifests) == 3


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{}",
        '{"manifests": 7}',
        '{"manifests": [7]}',
        '{"manifests": [{"digest": "sha256:../../etc/passwd", "size": 1}]}',
        f'{{"manifests": [{{"digest": "{DIGEST}", "size": "1"}}]}}',
        f'{{"manifests": [{{"digest": "{DIGEST}", "size": -1}}]}}',
        f'{{"manifests": [{{"digest": "{DIGEST}", "size": 1, "platform": "linux/arm64"}}]}}',
        f'{{"manifests": [{{"digest": "{DIGEST}", "size": 1, "annotations": [1]}}]}}',
    ],
)
def test_what_is_no_index_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Index.parse(text.encode())
    with pytest.raises(ValueError, match=r".+"):
        Manifest.parse(text.encode())


def test_an_index_is_written_as_buildkit_does() -> None:
    text = """\
{
  "schemaVersion": 2,
  "mediaType": "application/vnd.oci.image.index.v1+json",
  "manifests": [
    {
      "mediaType": "application/vnd.oci.image.manifest.v1+json",
      "digest": "sha256:ebea2a5dbd1b1596ba65763aebedc4137ee2773415c24d82f30c9396c4265f81",
      "size": 1422,
      "platform": {
        "architecture": "arm",
        "os": "linux",
        "variant": "v7"
      }
    },
    {
      "mediaType": "application/vnd.oci.image.manifest.v1+json",
      "digest": "sha256:e75ccd395009214caa7ac291286d92fecfce10fb735553f6a7a5ca55a4f82831",
      "size": 566,
      "annotations": {
        "vnd.docker.reference.digest": "sha256:ebea",
        "vnd.docker.reference.type": "attestation-manifest"
      },
      "platform": {
        "architecture": "unknown",
        "os": "unknown"
      }
    }
  ],
  "annotations": {
    "org.opencontainers.image.title": "a \\\\u003cb\\\\u003e \\\\u0026 ü"
  }
}"""
    content = text.replace("\\\\", "\\").encode()
    assert Index.parse(content).to_bytes() == content
