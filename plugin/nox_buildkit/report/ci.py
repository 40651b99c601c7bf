"""Output for CI systems beside the log: errors at their lines, a summary, groups of lines.

Sources: GitHub Actions, "Workflow commands"; GitLab, "Custom collapsible sections" of job logs.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from nox_buildkit.errors import NoxBuildkitError, Problem
from nox_buildkit.report import figures
from nox_buildkit.report.console import make_console
from nox_buildkit.report.summary import print_summary, short
from nox_buildkit.results.model import ImageResult


def on_github(env: Mapping[str, str] = os.environ) -> bool:
    """Tell whether this is a step of GitHub Actions."""
    return env.get("GITHUB_ACTIONS") == "true"


def annotate(error: NoxBuildkitError, env: Mapping[str, str] = os.environ) -> None:
    """Let GitHub show each problem at its line; nothing anywhere else."""
    if on_github(env):
        for problem in error.problems:
            print(annotation(problem, env), file=sys.stderr, flush=True)


def annotation(problem: Problem, env: Mapping[str, str]) -> str:
    """Return the workflow command for a problem."""
    place = ""
    title = f"title={problem.code.value}"
    if at := problem.location:
        # Paths are relative to the checkout, wherever nox runs.
        workspace = env.get("GITHUB_WORKSPACE") or os.getcwd()  # noqa: PTH109
        file = os.path.relpath(at.file, workspace)
        place = f"file={_property(file)},line={at.line},col={at.column},"
    return f"::error {place}{title}::{_data(str(problem))}"


def show_results(results: Sequence[ImageResult], env: Mapping[str, str] = os.environ) -> None:
    """Print what was built, and add it to the summary of the job."""
    print_summary(make_console(sys.stderr), results)
    path = env.get("GITHUB_STEP_SUMMARY")
    if path and on_github(env):
        # A summary that cannot be written is no reason to fail.
        with contextlib.suppress(OSError), Path(path).open("a", encoding="utf-8") as stream:
            stream.write(job_summary(results))


def job_summary(results: Sequence[ImageResult]) -> str:
    """Return the results as a Markdown table, and the tags of what was released."""
    lines = [
        "| Image | Platform | Digest | Size | Time |",
        "| --- | --- | --- | ---: | ---: |",
    ]
    for result in results:
        time_taken = "up to date" if result.up_to_date else figures.duration(result.seconds)
        for each in result.platforms:
            cells = (result.name, each.platform, f"`{short(each.digest)}`", figures.size(each.size))
            lines.append(f"| {' | '.join(map(_cell, (*cells, time_taken)))} |")
    for result in results:
        for published in result.publications:
            tags = ", ".join(f"`{tag}`" for tag in published.tags) or "no tag"
            lines.append(f"\n`{published.repository}@{published.digest}`: {tags}")
    return "\n".join([*lines, "", ""])


@contextlib.contextmanager
def log_group(title: str, env: Mapping[str, str] = os.environ) -> Iterator[None]:
    """Let the lines of the block be folded in the log of GitHub or GitLab."""
    if on_github(env):
        begin, end = f"::group::{_data(title)}", "::endgroup::"
    elif env.get("GITLAB_CI") == "true":
        name = f"nox_buildkit_{re.sub('[^a-z0-9]+', '_', title.lower())}"
        begin = f"\x1b[0Ksection_start:{time.time():.0f}:{name}\r\x1b[0K{title}"
        end = f"\x1b[0Ksection_end:{time.time():.0f}:{name}\r\x1b[0K"
    else:
        yield
        return
    print(begin, file=sys.stderr, flush=True)
    try:
        yield
    finally:
        print(end, file=sys.stderr, flush=True)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
