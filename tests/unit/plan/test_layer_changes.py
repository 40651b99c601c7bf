"""Differences of the inputs of layers, and what is said of them."""

from __future__ import annotations

from nox_buildkit.errors import Location
from nox_buildkit.plan.layer_changes import InputChange, LayerChange, causes, layer_changes
from nox_buildkit.plan.layer_inputs import Input, LayerInputs
from nox_buildkit.report.layer_changes import (
    Explanation,
    Places,
    changes_document,
    layer_line,
    sentences,
    weight,
)

IDNA = Input("", "package", "idna", "3.10 idna.whl ab", 70_000)
NEWER = Input("", "package", "idna", "3.11 idna.whl cd", 71_000)
PLACES = Places(
    "requirements.lock", {"idna": 12}, {("env", "PORT"): Location("buildspec.yaml", 5, 7)}
)


def _layer(*inputs: Input, title: str = "packages", kind: str = "pure") -> LayerInputs:
    return LayerInputs(title, kind, inputs)


def _said(before: LayerInputs, after: LayerInputs) -> list[str]:
    (layer,) = layer_changes([before], [after])
    return list(sentences(layer, PLACES))


def test_what_is_equal_is_no_change() -> None:
    (layer,) = layer_changes([_layer(IDNA)], [_layer(IDNA)])
    assert layer == LayerChange("packages", "pure", ())


def test_a_package_is_named_with_its_line_of_the_lock() -> None:
    assert _said(_layer(IDNA), _layer(NEWER)) == ["idna 3.10 → 3.11 (requirements.lock:12)"]
    assert _said(_layer(), _layer(IDNA)) == ["idna 3.10 is new (requirements.lock:12)"]
    assert _said(_layer(IDNA), _layer()) == ["idna is gone"]


def test_another_file_of_the_same_version_is_a_change() -> None:
    other = IDNA._replace(value="3.10 idna.whl ef")
    assert _said(_layer(IDNA), _layer(other)) == ["idna changed (requirements.lock:12)"]


def test_one_change_on_two_platforms_is_said_once() -> None:
    before = [IDNA._replace(platform=p) for p in ("linux/amd64", "linux/arm64")]
    after = [NEWER._replace(platform=p) for p in ("linux/amd64", "linux/arm64")]
    assert _said(_layer(*before), _layer(*after)) == [
        "idna 3.10 → 3.11 on linux/amd64 and linux/arm64 (requirements.lock:12)"
    ]
    assert _said(_layer(*before), _layer(after[0], before[1])) == [
        "idna 3.10 → 3.11 on linux/amd64 (requirements.lock:12)"
    ]


def test_values_are_shown_and_digests_are_not() -> None:
    file = Input("", "file", "app/main.py", "00ff", 5)
    assert _said(_layer(file), _layer(file._replace(value="ff00"))) == ["app/main.py changed"]
    port = Input("", "env", "PORT", "8000")
    assert _said(_layer(port), _layer(port._replace(value="9000\x1b"))) == [
        r"env PORT 8000 → 9000\x1b (buildspec.yaml:5)"
    ]
    tool = Input("", "tool", "nox-buildkit", "sha256:1")
    assert _said(_layer(tool), _layer(tool._replace(value="sha256:2"))) == [
        "nox-buildkit itself is another version"
    ]


def test_many_changes_are_counted() -> None:
    files = [Input("", "file", f"{n}.py", "1") for n in range(20)]
    said = _said(_layer(), _layer(*files))
    assert said[0] == "0.py is new"
    assert said[-1] == "and 14 more"
    (layer,) = layer_changes([_layer()], [_layer(*files)])
    assert layer_line(layer, PLACES) == (
        "packages: 0.py is new; 1.py is new; 2.py is new; and 17 more"
    )


def test_a_layer_that_is_no_more_is_told() -> None:
    found = layer_changes([_layer(IDNA), _layer(title="old")], [_layer(IDNA)])
    assert [each.title for each in found] == ["packages", "old"]
    (layer,) = layer_changes([_layer(IDNA)], [])
    assert list(sentences(layer, PLACES)) == ["idna is gone"]


def test_debian_packages_are_the_reason_of_the_digest_of_a_base() -> None:
    base = Input("", "base", "debian", "sha256:1")
    openssl = Input("linux/amd64", "debian", "openssl", "3.5.1")
    before = _layer(base, openssl, title="base", kind="base")
    after = _layer(
        base._replace(value="sha256:2"), openssl._replace(value="3.5.2"), title="base", kind="base"
    )
    (layer,) = causes(layer_changes([before], [after]))
    assert list(sentences(layer, PLACES)) == ["Debian package openssl 3.5.1 → 3.5.2 on linux/amd64"]


def test_the_weight_grows_by_the_wheels_of_the_platform() -> None:
    changes = (
        InputChange(IDNA, NEWER._replace(size=2_070_000)),
        InputChange(None, IDNA._replace(size=1_000_000), ("linux/arm64",)),
    )
    last = {"linux/amd64": 50_000_000, "linux/arm64": 49_000_000, "linux/riscv64": 1_000_000}
    explanation = Explanation("then", (LayerChange("x", "pure", changes),), PLACES, last)
    assert list(weight(explanation)) == [
        "linux/amd64: 50.0 MB last time, about +2.00 MB",
        "linux/arm64: 49.0 MB last time, about +3.00 MB",
        "linux/riscv64: 1.00 MB last time, about +2.00 MB",
    ]
    same = Explanation("then", (), PLACES, {"linux/amd64": 50_000_000})
    assert list(weight(same)) == ["linux/amd64: 50.0 MB last time, as before"]


def test_programs_get_the_same_as_values() -> None:
    layers = layer_changes([_layer(IDNA)], [_layer(NEWER)])
    assert changes_document(Explanation("then", layers, PLACES, {"linux/amd64": 5})) == {
        "since": "then",
        "last_sizes": {"linux/amd64": 5},
        "layers": [
            {
                "layer": "packages",
                "kind": "pure",
                "made_again": True,
                "changes": [
                    {
                        "kind": "package",
                        "name": "idna",
                        "platforms": [],
                        "before": "3.10",
                        "after": "3.11",
                        "said": "idna 3.10 → 3.11 (requirements.lock:12)",
                    }
                ],
            }
        ],
    }
