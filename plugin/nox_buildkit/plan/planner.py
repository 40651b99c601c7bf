"""Spec and facts in, plan out. Nothing here asks anything outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from nox_buildkit.buildspec.model.buildspec import BuildSpec
from nox_buildkit.buildspec.model.targets import targets_of, with_ancestors
from nox_buildkit.errors import PlanError, Problem
from nox_buildkit.plan.facts import Facts
from nox_buildkit.plan.image import ImagePlan, Publication
from nox_buildkit.plan.plan import Plan
from nox_buildkit.plan.stage_planner import stages_of
from nox_buildkit.plan.tags import TagValues, tags_for
from nox_buildkit.plan.target_planner import plan_target


def make_plan(
    spec: BuildSpec, facts: Facts, *, images: Sequence[str] = (), platforms: Sequence[str] = ()
) -> Plan:
    """Plan ``images`` (default: all) for ``platforms`` (default: those of the spec).

    Raises PlanError with every problem of every image.
    """
    problems: list[Problem] = []
    asked = tuple(images or spec.images)
    made: dict[str, ImagePlan] = {}
    for name in with_ancestors(spec, asked, platforms):
        try:
            made[name] = _plan_image(name, spec, facts, platforms, made)
        except PlanError as error:
            problems += error.located(spec.location("images", name)).problems
    if problems:
        raise PlanError(*problems)
    ancestors = tuple(image for name, image in made.items() if name not in asked)
    groups = tuple((n, each) for n, each in spec.groups.items() if set(asked).issuperset(each))
    planned = tuple(made[name] for name in asked)
    return Plan(facts.uv, facts.native, planned, ancestors, groups, facts.git)


def _plan_image(
    name: str,
    spec: BuildSpec,
    facts: Facts,
    platforms: Sequence[str],
    made: Mapping[str, ImagePlan],
) -> ImagePlan:
    planned = []
    for target in targets_of(spec, name):
        chosen = [p for p in target.platforms if not platforms or p in platforms]
        if not chosen:
            continue
        parent = target.parent.image if target.parent else ""
        if parent and parent not in made:
            # The problems of the parent are reported already.
            raise PlanError()
        planned.append(plan_target(target, chosen, facts, made))
    first, *variants = planned
    image = replace(
        first,
        name=name,
        variants=tuple(map(_with_stages, variants)),
        publication=_publication(name, spec, facts),
        compression=spec.images[name].compression,
    )
    return _with_stages(image)


def _publication(name: str, spec: BuildSpec, facts: Facts) -> Publication:
    image = spec.images[name]
    version = facts.targets[targets_of(spec, name)[0].name].context.version
    values = TagValues(version, image.version_scheme, facts.git, facts.created)
    tags, skipped = tags_for(image.tags, values)
    repositories = spec.repositories_of(name)
    return Publication(
        tags, repositories, version, image.version_scheme, image.immutable_tags, skipped
    )


def _with_stages(image: ImagePlan) -> ImagePlan:
    return replace(image, stages=stages_of(image))
