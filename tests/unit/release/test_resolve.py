"""Names of images in files for deployment."""

from __future__ import annotations

import pytest

from nox_buildkit.errors import Code, ReleaseError
from nox_buildkit.release.resolve import resolve
from tests.support.codes import coded

DIGEST = "sha256:" + "ab" * 32
RELEASED = {
    "api": f"ghcr.io/octocat/api@{DIGEST}",
    "ghcr.io/octocat/api": f"ghcr.io/octocat/api@{DIGEST}",
}
TEXT = """\
# The web server.
kind: Deployment
spec:
  containers:
    - {name: api, image: image://api}   # by name
    - image: "ghcr.io/octocat/api:latest"
    - image: 'ghcr.io/octocat/api@sha256:00'
    - image: ghcr.io/octocat/other:1
    - image: &it ghcr.io/octocat/api
---
command: |
  run ghcr.io/octocat/api
"""


def test_names_are_replaced_and_nothing_else_changes() -> None:
    reference = RELEASED["api"]
    assert resolve("k8s.yaml", TEXT, RELEASED) == TEXT.replace("image://api", reference).replace(
        '"ghcr.io/octocat/api:latest"', f'"{reference}"'
    ).replace("'ghcr.io/octocat/api@sha256:00'", f"'{reference}'").replace(
        "&it ghcr.io/octocat/api", f"&it {reference}"
    )


def test_the_name_of_an_image_alone_is_a_word_like_any_other() -> None:
    assert resolve("x.yaml", "name: api\n", RELEASED) == "name: api\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: image://nobody\n", r"x.yaml:1:4: no image 'nobody' was released; there is api"),
        ("a: [b\n", r"x.yaml:2:1: not YAML: .*; correct the file"),
    ],
)
def test_mistakes_have_a_place(text: str, said: str) -> None:
    with pytest.raises(ReleaseError, match=said), coded(Code.MANIFEST_FILE):
        resolve("x.yaml", text, RELEASED)
