"""Files of addresses, downloaded to this machine before the build: no step has a network."""

from __future__ import annotations

from nox_buildkit.build.project import Project
from nox_buildkit.buildspec.model.targets import targets_of
from nox_buildkit.errors import Location, LockError
from nox_buildkit.lock.wheelhouse import provide_addressed
from nox_buildkit.plan.plan import Plan
from nox_buildkit.progress import Progress


def download_files(project: Project, plan: Plan, report: Progress) -> None:
    """Download what ``plan`` has of addresses and this machine does not.

    The spec has the addresses, since a query may be a secret, and a plan is shown.

    Raises LockError.
    """
    planned = {x.digest for image in plan.targets for x in image.application.files if x.address}
    wanted: dict[str, str] = {}
    places: dict[str, Location] = {}
    for image in plan.every_image:
        for target in targets_of(project.spec, image.name):
            for position, file in enumerate(target.variant.files):
                digest = (file.checksum or "").removeprefix("sha256:")
                if digest not in planned:
                    continue
                wanted.setdefault(digest, file.source)
                if where := target.location("files", position, "source"):
                    places.setdefault(file.source, where)
    try:
        provide_addressed(wanted, report)
    except LockError as error:
        raise error.placed(places) from None
