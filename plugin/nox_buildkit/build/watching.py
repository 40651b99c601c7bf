"""An image that is built again and started again whenever what it is made of changes."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Collection, Generator
from dataclasses import dataclass, field, replace
from pathlib import Path

from watchfiles import watch

from nox_buildkit.build.running import Planned, Request, built, plan_run
from nox_buildkit.build.watched import Watched, named, watched_of
from nox_buildkit.engine.foreground import Replaceable
from nox_buildkit.errors import Code, NoxBuildkitError, UsageError
from nox_buildkit.project_folder import exclusively
from nox_buildkit.report import figures
from nox_buildkit.report.console import say
from nox_buildkit.report.diagnostics import show, with_codes

#: Milliseconds: a burst of changes is over when so long nothing changes, or after so long at the
#: latest; so often the container is looked at.
_QUIET, _BURST, _TICK = 50, 1600, 200

# nox shows what libraries log.
logging.getLogger("watchfiles").setLevel(logging.WARNING)

#: Starts a container of what was built.
Start = Callable[[Replaceable, Planned], None]


@dataclass
class Watch:
    """The image of ``request``, of which the newest that could be built runs.

    ``running``, ``failed``: digests of the plans that runs, and that could not be built;
    ``failure``: the failure that was told last, if it is still one; ``told``: somebody was told
    that the container has ended.
    """

    request: Request
    start: Start
    container: Replaceable = field(default_factory=Replaceable)
    watched: Watched = field(default_factory=Watched)
    running: str = ""
    failed: str = ""
    failure: str = ""
    told: bool = False

    def run(self) -> None:
        """Build and start, and do so again after each change, until somebody interrupts it.

        Raises NoxBuildkitError if that fails the first time.
        """
        first = built(self.request)
        if self.request.progress != "plain":
            # The container writes to the same terminal from now on.
            self.request = replace(self.request, progress="brief")
        self.watched = watched_of(first.project, first.plan)
        try:
            self._replace(first)
            while True:
                self._follow()
        except KeyboardInterrupt:
            pass
        finally:
            self.container.end()
        say("stopped")

    def _follow(self) -> None:
        """Follow the changes in the folders of now, until other folders matter."""
        folders, first = self.watched.folders, True
        with contextlib.closing(_changes(folders, self._concerns)) as changes:
            for changed in changes:
                self._tell_end()
                # The first time for what happened when nobody was looking yet.
                if changed or first:
                    self._again(changed)
                # The watch of a folder ends with it, and another one may have its name.
                if self.watched.folders != folders or not folders.isdisjoint(changed):
                    return
                first = False

    def _concerns(self, path: Path) -> bool:
        return path in self.watched.folders or self.watched.concerns(path)

    def _again(self, changed: Collection[Path]) -> None:
        """Build and start, if there is something new; whatever fails is told."""
        began = time.monotonic()
        try:
            with exclusively(self.request.buildspec):
                planned = plan_run(self.request)
                self.watched = watched_of(planned.project, planned.plan)
                digest = planned.image.digest
                if digest == self.running and (self.container.runs or not changed):
                    self._recovered()
                    return
                if digest == self.failed and not changed:
                    return
                # Nobody has seen what was changed before the folders were watched.
                names = named(changed, planned.project.root) if changed else "files"
                say(f"{names} changed")
                self.failed = digest
                planned.build()
            self._replace(planned)
        except NoxBuildkitError as error:
            self._tell_failure(with_codes(error), error)
        except OSError as error:
            # Such as a file that was gone when it was to be read.
            self._tell_failure(f"{error.filename}: {error.strerror}")
        else:
            self.failed = self.failure = ""
            say(f"restarted after {figures.duration(time.monotonic() - began)}")

    def _replace(self, planned: Planned) -> None:
        self.start(self.container, planned)
        self.running, self.told = planned.image.digest, False

    def _recovered(self) -> None:
        if self.failure:
            say("there is nothing to build any more: what runs is the image of now")
        self.failed = self.failure = ""

    def _tell_failure(self, failure: str, error: NoxBuildkitError | None = None) -> None:
        if failure != self.failure:
            if error:
                show(error)
            what = "what was built before goes on" if self.container.runs else "waiting"
            say(f"{failure}\n{what}, until something changes")
        self.failure = failure

    def _tell_end(self) -> None:
        status = self.container.status()
        if status is not None and not self.told:
            say(f"the container has ended with status {status}; a change starts it again")
            self.told = True


def _changes(
    folders: Collection[Path], concerns: Callable[[Path], bool]
) -> Generator[frozenset[Path]]:
    """Yield the changed paths of each burst, and nothing now and then. Raises UsageError."""
    try:
        for found in watch(
            *sorted(folder for folder in folders if folder.is_dir()),
            watch_filter=lambda _, path: concerns(Path(path)),
            debounce=_BURST,
            step=_QUIET,
            rust_timeout=_TICK,
            yield_on_timeout=True,
            recursive=False,
        ):
            yield frozenset(Path(path) for _, path in found)
    except FileNotFoundError:
        # Gone since it was listed: what is left is listed anew.
        time.sleep(_TICK / 1000)
        yield frozenset()
    except (OSError, RuntimeError) as error:
        message = f"{len(folders)} folders cannot be watched: {error}"
        hint = "raise fs.inotify.max_user_watches, or set WATCHFILES_FORCE_POLLING=1"
        raise UsageError(Code.ENVIRONMENT(message, hint)) from error
