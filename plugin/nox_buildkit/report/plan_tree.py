"""A plan as a tree, for people: what ``nox -s plan`` prints."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from rich.console import Console

from nox_buildkit.output_files import archive_name
from nox_buildkit.plan.application import PlacedFile
from nox_buildkit.plan.base import PlannedImage
from nox_buildkit.plan.image import ImagePlan
from nox_buildkit.plan.packages import Package
from nox_buildkit.report.coverage import print_planned
from nox_buildkit.report.figures import size
from nox_buildkit.report.tree import Tree


def print_image(
    console: Console, image: ImagePlan, native: Sequence[str], why: str, *, result: bool
) -> None:
    """Print the plan of an image, and the table of its packages.

    ``native``: platforms of the machines that build; ``why``: the reason for its Python, if there
    is one to tell; ``result``: it is asked for, and not only the parent of others.
    """
    tree = Tree(image.name if result else f"{image.name} (built for others)")
    # The digest of an image that is not built yet is that of its plan.
    base, builder = image.bases.base, image.bases.builder
    pinned = "" if image.parent else f"@{base.digest}"
    tree.add(f"base     {base.name}{pinned}")
    if builder:
        tree.add(f"builder  {builder.name}@{builder.digest}")
    tree.add(f"python   {image.python.version}{f', {why}' if why else ''}")
    _debian(tree, image)
    if result:
        tree.add(f"tags     {', '.join(image.references)}")
        tree.add(f"output   dist/{archive_name(image.name)}")
    config = tree.add("config")
    for line in _config(image):
        config.add(line)
    for name, value in image.build_args:
        tree.add(f"arg      {name}={value}")
    if image.application.directories or image.application.files or image.application.taken:
        placed = tree.add("placed")
        for line in _surroundings(image):
            placed.add(line)
    _layers(tree, image)
    _compiled(tree, image)
    _emulation(tree, image, native)
    for warning in image.warnings:
        tree.add(f"warning  {warning}")
    tree.print(console)
    print_planned(console, image)


def _debian(tree: Tree, image: ImagePlan) -> None:
    asked = [package for package in image.debian.base if package.asked]
    if image.debian.base:
        more = len(image.debian.base) - len(asked)
        branch = tree.add(f"debian   {more} packages (--json shows all)" + " and" * bool(asked))
        for package in asked:
            virtual = f", for {package.asked}" if package.asked != package.name else ""
            places = " and ".join(package.platforms)
            some = f" on {places}" if len(package.platforms) < len(image.platforms) else ""
            branch.add(f"{package.name} {package.version}{virtual}{some}")
    for package in image.debian.step_base:
        if package.asked:
            tree.add(f"debian   for steps: {package.name} {package.version}")
    if names := [name for name in image.debian.steps if name not in image.debian.added]:
        tree.add(f"debian   for steps, in the versions of then: {', '.join(names)}")
    if image.debian.added:
        branch = tree.add("debian   in the versions that the base's own sources have then")
        for name in image.debian.added:
            branch.add(name)


def _compiled(tree: Tree, image: ImagePlan) -> None:
    compiled = [(p.platform, x) for p in image.packages.platforms for x in p.compiled]
    if compiled:
        where = image.bases.compiler.name if image.bases.compiler else ""
        branch = tree.add(f"compiled, since there is no wheel; kept for later builds; on {where}")
        methods = {(x.platform, x.name): x for x in image.compilations}
        for platform, package in compiled:
            found = methods[platform, package.name]
            how = {
                "native": f"on {platform}",
                "cross": f"for {platform}, cross-compiled",
                "emulated": f"on {platform}, emulated: {found.why}",
            }[found.method]
            branch.add(f"{package.name} {package.version} {how}")


def _emulation(tree: Tree, image: ImagePlan, native: Sequence[str]) -> None:
    emulated = [platform for platform in image.on_target if platform not in native]
    if emulated:
        tree.add(f"emulation {' and '.join(emulated)}: {_reason(image)}")
    else:
        tree.add("emulation none: no step runs on a foreign platform")


def _reason(image: ImagePlan) -> str:
    if image.debian.added:
        return "Debian packages are added"
    methods = {one.method for one in image.compilations}
    if "emulated" in methods:
        return "packages are compiled"
    if image.packages.installed_on_target:
        return "packages are installed there"
    return "for packages that do not cross-compile"


def _layers(tree: Tree, image: ImagePlan) -> None:
    layers = tree.add(f"layers   on {' and '.join(image.platforms)}")
    if image.packages.pure:
        _packages(
            layers.add(f"pure: {len(image.packages.pure)} packages, shared by all platforms"),
            image.packages.pure,
        )
    for platform in image.packages.platforms:
        if platform.packages:
            title = f"native {platform.platform}: {len(platform.packages)} wheels"
            _packages(layers.add(f"{title} for {platform.wheel_platform}"), platform.packages)
    if local := image.packages.local:
        title = f"local: {len(local)} packages, shared by all platforms"
        _packages(layers.add(title), local)
    files = image.application.sources.files
    app = layers.add(f"app: {len(files)} files, {size(sum(file.size for file in files))}")
    for file in files[:20]:
        app.add(file.path)
    if len(files) > 20:
        app.add(f"… and {len(files) - 20} more (--json shows all)")
    for step in image.application.steps:
        made = layers.add(f"made: {', '.join(step.output)}, by {json.dumps(step.run)}")
        for name, value in step.env:
            made.add(f"env {name}={value}")


def _config(image: ImagePlan) -> Iterator[str]:
    config = image.config
    yield from (f"prestart {json.dumps(command)}" for command in image.application.prestart)
    if config.entrypoint is not None:
        yield f"entrypoint {json.dumps(config.entrypoint)}"
    if config.command is not None:
        yield f"command {json.dumps(config.command)}"
    theirs = ", which belongs to the user" if image.application.writable else ""
    yield f"user {_user(image)}, workdir {config.workdir}{theirs}"
    yield from (f"env {name}={value}" for name, value in config.env)
    yield from (f"expose {port}" for port in config.expose)
    yield from (f"volume {path}" for path in config.volumes)
    for word, parts in image.application.interpolated:
        names = dict.fromkeys(part.name for part in parts if not isinstance(part, str))
        if names:
            yield f"at the start {', '.join(names)} in {json.dumps(word)}"
    if config.stop_signal:
        yield f"stop signal {config.stop_signal}"
    if config.healthcheck:
        yield f"health check {json.dumps(config.healthcheck.test)}"
    yield from (f"label {name}={value}" for name, value in config.labels)


def _user(image: ImagePlan) -> str:
    application = image.application
    if not application.becomes:
        return image.config.user
    return f"{application.becomes} or that of PUID and PGID, after a start as root"


def _surroundings(image: ImagePlan) -> Iterator[str]:
    yield from (f"{path}/, owned by {image.owner}" for path in image.application.directories)
    for file in image.application.taken:
        pinned = "" if isinstance(file.image.source, PlannedImage) else f"@{file.image.digest}"
        mode = f"mode {file.mode}, " if file.mode else ""
        image_name = f"{file.image.name}{pinned}"
        yield f"{file.target}, {mode}owned by {file.owner}: {file.source} of {image_name}"
    yield from _placed(image.application.files)


def _placed(files: Sequence[PlacedFile]) -> Iterator[str]:
    """Yield a line for each file, and one for each folder with all that is in it."""
    top = ""
    for file in files:
        if top and file.target.startswith(top):
            continue
        if file.kind == "folder":
            top = f"{file.target}/"
            inside = [x for x in files if x.target.startswith(top) and x.kind != "folder"]
            total = size(sum(each.size for each in inside))
            yield f"{top}, {len(inside)} files, {total}, owned by {file.owner}"
        else:
            origin = f": {file.address}, sha256:{file.digest}" if file.address else ""
            yield f"{file.target}, mode {file.mode}, owned by {file.owner}{origin}"


def _packages(tree: Tree, packages: Sequence[Package]) -> None:
    for package in packages:
        tree.add(f"{package.name} {package.version}  {package.filename}")
