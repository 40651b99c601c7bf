"""All checks of a project and its machine, and what they found as a whole."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from nox_buildkit.doctor.cache_folder import look_at_cache, read_cache_folder
from nox_buildkit.doctor.checks import Check, answers
from nox_buildkit.doctor.disk import look_at_disks
from nox_buildkit.doctor.emulators import judge_platforms
from nox_buildkit.doctor.engine_facts import gather_engine
from nox_buildkit.doctor.engines import ENGINE, judge_builder, judge_engine
from nox_buildkit.doctor.finding import Finding
from nox_buildkit.doctor.package_index import look_at_index, places_of
from nox_buildkit.doctor.programs import look_at_git, look_at_uv, look_at_versions
from nox_buildkit.doctor.proxies import look_at_certificates, look_at_proxies
from nox_buildkit.doctor.registries import registry_checks
from nox_buildkit.doctor.spec import SPEC, Opened, look_at_locks, look_at_spec
from nox_buildkit.environment import ca_bundle
from nox_buildkit.files import cache_place


def examine(opened: Opened, builder: str | None) -> tuple[Finding, ...]:
    """Do every check at the same time; ``builder``: the one that the command line names."""
    return answers(list(_checks(opened, builder)))


def _checks(opened: Opened, builder: str | None) -> Iterator[Check]:
    # Before any other check makes it.
    cache = read_cache_folder()
    yield Check(SPEC, partial(look_at_spec, opened))
    yield Check("locks", partial(look_at_locks, opened))
    yield Check(ENGINE, partial(_engine, opened, builder))
    yield Check("disk", partial(look_at_disks, _written(opened)))
    yield Check("cache", partial(look_at_cache, cache))
    if opened.project:
        yield from registry_checks(opened.project)
    for place in places_of(opened.root, opened.sources):
        yield Check("package index", partial(look_at_index, place))
    yield Check("certificates", lambda: look_at_certificates(os.environ, ca_bundle()))
    yield Check("proxy", lambda: look_at_proxies(os.environ))
    yield Check("uv", look_at_uv)
    yield Check("git", partial(look_at_git, opened.root))
    yield Check("versions", look_at_versions)


def _engine(opened: Opened, builder: str | None) -> Iterator[Finding]:
    named = opened.project.builder if opened.project else builder
    facts = gather_engine(named)
    yield from judge_engine(facts)
    yield from judge_builder(facts)
    yield from judge_platforms(opened.platforms, facts)
    if facts.users.root:
        yield from look_at_disks([Path(facts.users.root)], but=_written(opened))


def _written(opened: Opened) -> tuple[Path, ...]:
    """Return the folders that a build writes into."""
    return cache_place(), opened.root / "dist", Path(tempfile.gettempdir())
