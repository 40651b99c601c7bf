"""What a reader of the benchmark relies on: figures, promises, pages, and nothing left running."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import pytest
from bench import chart, markdown, oci, words
from bench.model import Case, Results, Sample, Target, Unit
from bench.network import network_file
from bench.pieces import Pieces
from bench.process import BenchError, Runner, end_group
from bench.project import EXAMPLE, Projects, Release
from bench.rounds import interleave
from bench.targets import targets

from nox_buildkit.oci.image_writer import PlatformImage, write_images

ROOT = Path(__file__).parents[2]
SVG = "{http://www.w3.org/2000/svg}"


def case(key: str = "no-layer-cache", unit: Unit = "s", **medians: float) -> Case:
    samples = {name.replace("_", "-"): Sample((value,)) for name, value in medians.items()}
    return Case(key, f"Case {key}", unit, "everything warm", samples)


def results(*cases: Case, partial: str = "") -> Results:
    promised = (Target("a promise", 2.0, 3.0, at_least=True), Target("another", 1.0, None, False))
    return Results({"processor": "a <fast> one", "cores": "2"}, {}, cases, promised, partial)


def test_a_sample_is_told_by_its_median_and_range() -> None:
    sample = Sample((3.0, 1.0, 2.0))
    assert (sample.median, sample.low, sample.high) == (2.0, 1.0, 3.0)
    assert words.sample(sample, "s") == "2.00 s (1.00-3.00 s)"


@pytest.mark.parametrize(
    ("number", "unit", "text"),
    [
        (0.444, "s", "0.44 s"),
        (12.14, "s", "12.1 s"),
        (350.6, "s", "351 s"),
        (53_601_935, "B", "53.6 MB"),
        (4200, "B", "4.2 kB"),
        (812, "B", "812 B"),
    ],
)
def test_figures_have_three_digits_or_less(number: float, unit: Unit, text: str) -> None:
    assert words.value(number, unit) == text


def test_contenders_take_turns_and_each_round_begins_with_another() -> None:
    order: list[str] = []

    def measure(name: str) -> float:
        order.append(name)
        return float(len(order))

    samples = interleave(
        {name: partial(measure, name) for name in ("a", "b", "c")},
        3,
        before=lambda number: order.append(f"round {number}"),
    )
    assert order == [
        *("round 0", "a", "b", "c"),
        *("round 1", "b", "c", "a"),
        *("round 2", "c", "a", "b"),
    ]
    assert [len(sample.values) for sample in samples.values()] == [3, 3, 3]


def test_a_slow_contender_is_measured_in_the_last_round_alone() -> None:
    rounds: list[int] = []
    seen: list[int] = []

    def slow() -> float:
        seen.append(rounds[-1])
        return 2.0

    samples = interleave(
        {"quick": lambda: 1.0, "slow": slow},
        3,
        once=frozenset({"slow"}),
        before=rounds.append,
    )
    assert seen == [2]
    assert len(samples["quick"].values) == 3
    assert len(samples["slow"].values) == 1


def test_promises_are_kept_or_broken_by_what_was_measured() -> None:
    cases = {
        "no-layer-cache": case(pip=360, uv=110, ours=4, ours_cold=10),
        "nothing-changed": case("nothing-changed", ours=1.2, bare=0.5, nox=0.6),
        "size-amd64": case("size-amd64", "B", pip=60e6, ours=54e6),
        "first-answer": case("first-answer", pip=1.2, ours=1.0),
        "new-engine": case("new-engine", ours=12, ours_nothing=20),
    }
    cases |= {
        f"images-{n}": case(f"images-{n}", ours=seconds) for n, seconds in ((1, 10), (16, 25))
    }
    pip, uv, no_op, amd64, arm64, answer, further, kept, *_ = targets(cases, both_platforms=True)
    # The row with cold byte code counts, not the flattering one.
    assert (pip.measured, pip.passed) == (36, False)
    assert (uv.measured, uv.passed) == (11, False)
    assert no_op.measured == pytest.approx(1.2)
    assert no_op.passed
    assert (amd64.measured, amd64.passed) == (0.9, True)
    assert (arm64.measured, arm64.passed) == (None, None)
    assert (answer.measured, answer.passed) == (1.2, False)
    assert (further.measured, further.passed) == (0.1, True)
    assert (kept.measured, kept.passed) == (0.6, False)


def test_promises_about_the_loop_leave_out_the_start_of_nox() -> None:
    cases = {
        "nothing-changed": case("nothing-changed", ours=0.5, nox=0.25, bare=1),
        "source-changed": case("source-changed", ours=2.25, nox=0.25, bare=1.6),
        "push-seconds": case("push-seconds", pip=1.5, ours=2),
        "push-unchanged": case("push-unchanged", ours=0.6, nox=0.25),
        "plan-shared": case("plan-shared", ours=1, ours_json=1.5, nox=0.25),
        "many-files": case("many-files", ours=1.8, git=1, nox=0.25),
        "load": case("load", ours=2, ours_load=3, docker_load=2),
    }
    found = {target.name: target for target in targets(cases, both_platforms=True)}
    measured = {name: target.measured for name, target in found.items() if target.measured}
    assert measured == {
        "nothing changed: ours, less nox's start, over bare bake": 0.25,
        "nothing changed: seconds beyond nox's start": 0.25,
        "one source line: ours, less nox's start, over bare bake": 1.25,
        "push after one line: ours, less nox's start, over pip's": pytest.approx(1.75 / 1.5),
        "plan of 200 images that share a lock: seconds": 0.75,
        "the same as JSON: seconds": 1.25,
        "100,000 files, nothing changed: ours over git status": 1.8,
        "--load: the seconds that it adds, over docker load": 0.5,
    }
    own = found["plan of 200 images with locks of their own: seconds"]
    assert words.verdict(own) == "not measured"


def test_a_run_that_was_cut_off_is_resumed_with_the_cases_that_it_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NOX_BUILDKIT_CACHE", str(tmp_path))
    measured = [case(pip=360, ours=4), case("size-amd64", "B", ours=5)]
    machine = {"cores": "2", "load before": "0.1"}
    Pieces.of(machine, (False, 3)).keep("size", measured)
    again = Pieces.of({**machine, "load before": "0.7"}, (False, 3))
    assert again.read("size") == measured
    assert again.read("push") is None
    # Other options, and another machine, are another run.
    assert Pieces.of(machine, (False, 5)).read("size") is None
    assert Pieces.of({"cores": "4"}, (False, 3)).read("size") is None
    again.forget()
    assert again.read("size") is None


def test_peers_built_for_one_platform_prove_nothing_about_two() -> None:
    cases = {"no-layer-cache": case(pip=360, uv=110, ours=4)}
    pip, uv, *_ = targets(cases, both_platforms=False)
    assert (pip.passed, uv.passed) == (None, None)
    assert words.verdict(pip) == "not measured"


def test_the_chart_is_svg_with_a_bar_for_each_measured_contender() -> None:
    text = chart.chart(results(case(pip=362, uv=117, ours=9), case("other", pip=0.5, ours=0.4)))
    root = ElementTree.fromstring(text)  # noqa: S314 - our own
    bars = [r for r in root.iter(f"{SVG}rect") if r.get("class") != "page"]
    assert [bar.get("class") for bar in bars] == ["pip", "uv", "ours", "pip", "ours"]
    widths = [float(bar.get("width", "")) for bar in bars]
    assert widths[0] > widths[1] > widths[2] > widths[3] > widths[4] > 0
    assert "prefers-color-scheme: dark" in text
    assert "Logarithmic scale" in text
    assert "362 s" in (root.findtext(f"{SVG}desc") or "")
    right = max(float(b.get("x", "")) + float(b.get("width", "")) for b in bars)
    assert right < float(root.get("width", ""))


def test_a_chart_of_equal_values_and_one_of_none_are_well_formed() -> None:
    for drawn in (results(case(pip=1.0, ours=1.0)), results(case("size-amd64", "B", ours=5))):
        root = ElementTree.fromstring(chart.chart(drawn))  # noqa: S314 - our own
        assert root.tag == f"{SVG}svg"


def test_the_page_has_whole_tables() -> None:
    text = markdown.page(results(case(pip=362, uv=117, ours=9, bare=0.4)))
    assert "| Case no-layer-cache | 362 s | 117 s | 9.00 s |" in text
    assert "| a promise | at least 2 | 3.00 | pass |" in text
    assert "| another | at most 1 |  | not measured |" in text
    assert "bare docker buildx bake | 0.40 s |" in text
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({line.count("|") for line in table.splitlines()}) == 1, table


def test_the_first_table_compares_and_has_no_case_of_ours_alone() -> None:
    text = markdown.page(results(case("alone", ours=3)))
    assert "| Case alone | nox-buildkit | 3.00 s |" in text
    assert "| Case alone |  |" not in text


def test_the_page_compares_the_cold_figure_and_tells_the_warm_one() -> None:
    text = markdown.page(results(case(pip=362, uv=117, ours=7.5, ours_cold=9)))
    assert "| 362 s | 117 s | 9.00 s; 7.50 s with warm byte code |" in text


def test_a_quick_run_says_everywhere_that_it_is_none() -> None:
    quick = results(case(pip=2, ours=1), partial="a quick run")
    assert "NOT A RESULT: a quick run" in chart.chart(quick)
    assert "**Not a result: a quick run.**" in markdown.page(quick)
    assert quick.to_json()["partial"] == "a quick run"
    assert json.loads(json.dumps(quick.to_json())) == quick.to_json()
    # No ratio that somebody could quote.
    assert "2.0x" not in chart.chart(quick)


@pytest.mark.parametrize("options", [["--quick"], ["--case", "floor"], ["--repeat", "1"]])
def test_only_a_complete_run_may_be_kept_as_the_result(options: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", *options, "--output", "bench/results"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert "complete" in done.stderr


def test_everybody_builds_the_same_application(tmp_path: Path) -> None:
    projects = Projects(tmp_path)
    projects.make({})
    pins = [
        re.sub(r" \\$", "", line)
        for line in (EXAMPLE / "requirements.lock").read_text().splitlines()
        if re.match(r"[a-z0-9]", line)
    ]
    for name in ("pip", "uv"):
        written = (projects.peer(name) / "requirements.txt").read_text().splitlines()
        assert written[1:] == pins
        source = (projects.peer(name) / "app" / "main.py").read_text()
        assert source == (projects.ours / "app" / "main.py").read_text()
    assert projects.image in (projects.ours / "buildspec.yaml").read_text()


def test_a_changed_line_is_the_same_for_everybody_and_always_new(tmp_path: Path) -> None:
    projects = Projects(tmp_path)
    projects.make({})
    seen = set()
    for _ in range(3):
        projects.change_source()
        sources = {
            (folder / "app" / "main.py").read_text()
            for folder in (projects.ours, projects.peer("pip"), projects.peer("uv"))
        }
        assert len(sources) == 1
        seen |= sources
    original = (EXAMPLE / "app" / "main.py").read_text().splitlines()
    assert len(seen) == 3
    for text in seen:
        compile(text, "main.py", "exec")
        assert sum(a != b for a, b in zip(original, text.splitlines(), strict=True)) == 1


def test_a_bump_changes_one_pin_for_everybody(tmp_path: Path) -> None:
    projects = Projects(tmp_path)
    projects.make({})
    before = (projects.peer("pip") / "requirements.txt").read_text().splitlines()
    projects.bump(Release("2020.1.1", "certifi==2020.1.1 \\\n    --hash=sha256:00\n"))
    assert (
        "certifi==2020.1.1 \\\n    --hash=sha256:00\n"
        in (projects.ours / "requirements.lock").read_text()
    )
    for name in ("pip", "uv"):
        after = (projects.peer(name) / "requirements.txt").read_text().splitlines()
        changed = [new for old, new in zip(before, after, strict=True) if old != new]
        assert changed == ["certifi==2020.1.1"]


def test_sizes_are_those_of_the_manifests(tmp_path: Path) -> None:
    layout = tmp_path / "layout"
    layout.mkdir()
    write_images(layout, [PlatformImage("linux/amd64", ()), PlatformImage("linux/arm64", ())])
    archive = tmp_path / "image.tar"
    with tarfile.open(archive, "w") as tar:
        for path in sorted(layout.rglob("*")):
            tar.add(path, path.relative_to(layout), recursive=False)
    expected = {}
    blobs = layout / "blobs" / "sha256"
    for blob in blobs.iterdir():
        if b"image.manifest.v1" in (content := blob.read_bytes()) and b'"layers"' in content:
            manifest = json.loads(content)
            names = [manifest["config"]["digest"], *(la["digest"] for la in manifest["layers"])]
            sizes = [(blobs / name.removeprefix("sha256:")).stat().st_size for name in names]
            config = json.loads((blobs / names[0].removeprefix("sha256:")).read_bytes())
            expected[f"linux/{config['architecture']}"] = sum(sizes)
    assert len(expected) == 2
    assert oci.compressed_sizes(archive) == expected


def test_network_settings_are_quoted_for_the_shell() -> None:
    value = "http://user:a'b $(touch x)@proxy.example.org:3128"
    text = network_file({"https_proxy": value, "PIP_FIND_LINKS": "/opt/wheels", "HOME": "/root"})
    script = f'{text}\nprintf %s "$https_proxy"'
    shown = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert shown.stdout == value
    assert "HOME" not in text
    assert "PIP_FIND_LINKS" not in text


def test_a_failed_command_shows_the_end_of_what_it_said(tmp_path: Path) -> None:
    runner = Runner({"PATH": os.defpath}, tmp_path / "log")
    with pytest.raises(BenchError, match="status 3: the cause"):
        runner.run(["sh", "-c", "echo the cause >&2; exit 3"], tmp_path)
    assert runner.run(["true"], tmp_path) > 0


def test_an_ended_command_leaves_no_children() -> None:
    with subprocess.Popen(
        ["sh", "-c", "sleep 1234; true"], start_new_session=True, stdout=subprocess.DEVNULL
    ) as process:
        end_group(process)
        with pytest.raises(ProcessLookupError):
            os.killpg(process.pid, 0)
