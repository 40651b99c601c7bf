"""The keys of a named set of requirements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field, model_validator

from nox_buildkit.buildspec.model.field_types import (
    IndexUrl,
    InnerPath,
    Name,
    OneOrMore,
    Path,
    ProjectName,
    Source,
    Unique,
)
from nox_buildkit.buildspec.model.strict import Strict
from nox_buildkit.buildspec.text import Invalid, shown

#: Sources that each of these keys has a meaning for.
_ONLY_IN = {
    "extras": ("pyproject.toml", "setup.py", "setup.cfg", "uv.lock", "poetry.lock", "pdm.lock"),
    "groups": ("pyproject.toml", "uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock"),
    "package": ("uv.lock",),
}


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else names[0]


def _refuse_others(sources: Sequence[str]) -> None:
    """Refuse, in a list of files, one that is not read line by line as the others are."""
    for position, source in enumerate(sources):
        if not source.endswith((".in", ".txt")):
            message = f"{shown(source)} cannot be resolved together with other files"
            hint = "name requirements files alone, or make a set of its own of it"
            raise Invalid(message, hint, at=("source", position))


class Requirements(Strict):
    """A named set of requirements, which images share."""

    source: OneOrMore[Source] = Field(
        description="File that states the requirements, relative to the spec: pyproject.toml, "
        "setup.py, setup.cfg, a requirements.in or requirements.txt with ranges, a finished lock "
        "with hashes, or the lock of another tool: uv.lock, poetry.lock, pdm.lock, Pipfile.lock. "
        "Several requirements files are resolved together.",
        examples=["pyproject.toml", ["requirements/base.txt", "requirements/prod.txt"]],
    )
    package: ProjectName | None = Field(
        default=None,
        description="Member of a workspace whose requirements are meant. Needs a uv.lock.",
        examples=["api"],
    )
    extras: Unique[ProjectName] = Field(
        default=(),
        description="Extras of the project to include. Needs a pyproject.toml, or a lock that "
        "was made of one.",
        examples=[["postgres"]],
    )
    groups: Unique[ProjectName] = Field(
        default=(),
        description="Dependency groups to include. Needs a pyproject.toml, or a lock that was "
        "made of one; of a Pipfile, its categories.",
        examples=[["prod"]],
    )
    constraints: Unique[Path] = Field(
        default=(),
        description="Constraints files, relative to the spec.",
        examples=[["constraints.txt"]],
    )
    overrides: Unique[Path] = Field(
        default=(),
        description="Overrides files, relative to the spec: versions that are taken whatever the "
        "packages themselves ask for.",
        examples=[["overrides.txt"]],
    )
    find_links: Unique[Path] = Field(
        default=(),
        description="Folders with wheels and source distributions, relative to the spec, besides "
        "what the indexes have.",
        examples=[["wheels"]],
    )
    build: Literal["never"] | None = Field(
        default=None,
        description="Whether code of packages may be run to learn what they require: with 'never', "
        "only wheels are locked, and what a project states in its pyproject.toml.",
        examples=["never"],
    )
    index: IndexUrl | None = Field(
        default=None,
        description="Package index to use instead of uv's default. Credentials never stand "
        "here: they come from `UV_INDEX_<NAME>_*` variables, by the name of the set.",
        examples=["https://packages.example.com/simple"],
    )
    extra_indexes: dict[Name, IndexUrl] = Field(
        default={},
        description="Package indexes to look into first, by name: the first that has a package "
        "is the one it comes from. Credentials come from `UV_INDEX_<NAME>_*` variables.",
        examples=[{"company": "https://packages.example.com/simple"}],
    )
    output: InnerPath | None = Field(
        default=None,
        description="Where the lock is committed, relative to the spec. By default it is named "
        "after the set.",
        examples=["requirements/api.txt"],
    )

    @model_validator(mode="after")
    def _source_has_them(self) -> Requirements:
        name = self.source[0].rpartition("/")[2]
        if len(self.source) > 1:
            _refuse_others(self.source)
        for key, sources in _ONLY_IN.items():
            if getattr(self, key) and name not in sources:
                message = f"only {_listed(sources)} has {key}, and the source is another file"
                raise Invalid(message, "remove the key, or change the source", at=(key,))
        return self
