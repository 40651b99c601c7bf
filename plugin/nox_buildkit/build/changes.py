"""The plan of another commit, and images whose plan differs from it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from nox_buildkit.build.fresh_locks import fresh_sources
from nox_buildkit.build.options import Selection
from nox_buildkit.build.project import Project, open_project, plan_project
from nox_buildkit.errors import Code, NoxBuildkitError, UsageError
from nox_buildkit.files import scratch
from nox_buildkit.lock.commit_checkout import check_out
from nox_buildkit.lock.git import run_git
from nox_buildkit.plan.plan import Plan
from nox_buildkit.progress import Progress
from nox_buildkit.project_folder import kept_for


def changed_images(
    project: Project, reference: str, selection: Selection, report: Progress
) -> tuple[str, ...]:
    """Return the images of ``project`` whose plan is another one than at the commit ``reference``.

    An image that was not there is one of them. Where the commit cannot be planned, all of them are,
    and the report says why. Raises UsageError for what is no commit.
    """
    now = plan_of(project, report)
    try:
        before = plan_at(project, reference, selection, report)
    except UsageError:
        raise
    except NoxBuildkitError as error:
        report.message(f"{reference} cannot be planned, so all images count: {error}")
        return project.images
    if before is None:
        report.message(f"{reference} has no {project.file.name}: all images are new")
        return project.images
    then = {image.name: image.digest for image in before.images}
    return tuple(image.name for image in now.images if then.get(image.name) != image.digest)


def plan_at(
    project: Project, reference: str, selection: Selection, report: Progress
) -> Plan | None:
    """Return the plan of the commit ``reference``, None if it has no such buildspec.yaml.

    Raises UsageError for what is no commit, and whatever planning raises.
    """
    below = _asked(project.root, "rev-parse", "--show-prefix")
    top = Path(_asked(project.root, "rev-parse", "--show-toplevel"))
    commit = _asked(project.root, "rev-parse", "--verify", "--quiet", f"{reference}^{{commit}}")
    with scratch(kept_for(project.root), "commit-") as folder:
        check_out(top, commit, folder / "files", report.message)
        file = folder / "files" / below / project.file.name
        # Images that are new would be a mistake there.
        return plan_of(_project(file, selection), report) if file.exists() else None


def _project(file: Path, selection: Selection) -> Project:
    return open_project(file, replace(selection, images=(), platforms=()))


def plan_of(project: Project, report: Progress) -> Plan:
    """Return the plan for all platforms, as if all commits were the same."""
    whole = replace(project, platforms=())
    return plan_project(whole, fresh_sources(whole, report), report, anonymous=True)


def _asked(folder: Path, command: str, *arguments: str) -> str:
    done = run_git(folder, command, *arguments)
    if done is None:
        raise UsageError(
            Code.UNKNOWN_REVISION("there is no git, which knows other commits", "install it")
        )
    if done.returncode:
        words = " ".join(done.errors.split())
        hint = (
            "--changed-since compares commits of a git repository"
            if "not a git repository" in words
            else "a shallow clone does not have it: fetch it (actions/checkout: fetch-depth: 0)"
        )
        message = f"git {command} {arguments[-1]} fails: {words or 'no such commit'}"
        raise UsageError(Code.UNKNOWN_REVISION(message, hint))
    return done.output.strip()
