"""The scripts of build steps: install packages, add Debian packages, run the application's."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from nox_buildkit.plan.model import ImagePlan
from nox_buildkit.plan.parts import Step
from nox_buildkit.plan.planner import VENV
from nox_buildkit.render import quote
from nox_buildkit.render.inputs import INPUTS, SCRIPTS, SCRIPTS_MOUNT
from nox_buildkit.render.scripts.layer import EPOCH

_BYTECODE = "/var/cache/bytecode"
FINISH = f"python3 {SCRIPTS}/layer.py /layer {_BYTECODE}"

_COMPILED = "/run/wheels"
_MADE = "/run/made"
_ENVIRONMENT = f"python3 -I {SCRIPTS}/environment.py"


@dataclass(frozen=True, slots=True)
class Compiled:
    """Compiled packages to install: of the stage ``stage`` those ``names`` that are of ``kind``."""

    stage: str
    kind: Literal["any", "rest", "all"]
    names: tuple[str, ...]


def bytecode_cache(image: ImagePlan) -> str:
    """Mounts the cache of byte code."""
    name = _cache_name(image, "bytecode")
    return f"--mount=type=cache,id={name},target={_BYTECODE}"


def _cache_name(image: ImagePlan, purpose: str) -> str:
    """The ID of a cache; whoever made the programs that write it has made those that read it."""
    scope = hashlib.sha256((image.builder or image.base).origin.encode()).hexdigest()
    return f"nox-buildkit-{purpose}-{scope[:12]}"


def install(
    image: ImagePlan,
    architecture: str,
    *,
    cache: str,
    requirements: str,
    before: Sequence[str] = (),
    option: str = "",
    shared: bool = False,
    compiled: Compiled | None = None,
) -> list[str]:
    """Install packages into the virtual environment, which becomes a layer.

    ``architecture``: variable that names the machine of the step; ``cache`` tells apart what must
    not race; ``requirements``: the mount of what is installed; ``option`` and ``before``: more
    for uv; ``shared``: the environment itself is in another layer; ``compiled``: more packages.
    """
    command = f"uv pip install --python {VENV}{option} --no-deps"
    locked = f"{command} --require-hashes --only-binary :all: --requirements {INPUTS}"
    new = [
        f"uv venv --quiet --no-project --python python3 {VENV}",
        f"{_ENVIRONMENT} made {VENV}",
        f"{locked}/requirements.txt",
    ]
    damaged = f"{_ENVIRONMENT} damaged {VENV} {INPUTS}/requirements.txt"
    from_stage = compiled and f"from={compiled.stage},source=/wheels,target={_COMPILED}"
    return [
        f"RUN {SCRIPTS_MOUNT} \\",
        f"    {requirements} \\",
        f"    --mount=type=bind,from=uv,source=linux-${architecture},target=/run/uv \\",
        f"    --mount=type=cache,id={_cache_name(image, 'uv')}-{cache},target=/var/cache/uv \\",
        f"    {bytecode_cache(image)} \\",
        *([f"    --mount=type=bind,{from_stage} \\"] if compiled else []),
        "    --mount=type=secret,id=ca-bundle --mount=type=secret,id=network \\",
        "    --mount=type=secret,id=netrc <<'RUN'",
        *network(image),
        "export PATH=/run/uv:$PATH UV_CACHE_DIR=/var/cache/uv",
        *before,
        *new,
        "# A cache may have lost a part of a file, or have another package's.",
        f"damaged=$({damaged})",
        'if [ -n "$damaged" ]; then',
        f"  rm -rf {VENV} && uv cache clean --quiet $damaged",
        *(f"  {line}" for line in new),
        f'  if [ -n "$({damaged})" ]; then',
        "    echo 'what is installed is not what is locked' >&2; exit 1",
        "  fi",
        "fi",
        *(_install_compiled(command, compiled) if compiled else []),
        *_interpreter(image),
        f"{_ENVIRONMENT} strip {VENV}{' all' if shared else ''}",
        f"mkdir -p /layer{PurePosixPath(VENV).parent} && mv {VENV} /layer{VENV}",
        FINISH,
        "RUN",
    ]


def _install_compiled(command: str, compiled: Compiled) -> list[str]:
    words = [compiled.kind, _COMPILED, *map(quote.shell_word, compiled.names)]
    return [
        f"python3 -I {SCRIPTS}/wheels.py list {' '.join(words)} > /run/wheels.txt",
        # There may be none for this platform.
        "if [ -s /run/wheels.txt ]; then",
        f"  {command} --no-cache --no-index --requirements /run/wheels.txt",
        "fi",
    ]


def _interpreter(image: ImagePlan) -> list[str]:
    """Point the environment at the Python of the base, which lies elsewhere than the builder's."""
    path = image.base.interpreter
    if not image.builder or image.builder.interpreter == path:
        return []
    home = quote.shell_word(f"home = {PurePosixPath(path).parent}")
    return [
        f"ln -sf {quote.shell_word(path)} {VENV}/bin/python",
        "{",
        f"  printf '%s\\n' {home}",
        # A builder may have neither grep nor sed.
        '  while IFS= read -r line; do case $line in home*) ;; *) echo "$line" ;; esac; done',
        f"}} < {VENV}/pyvenv.cfg > /run/pyvenv.cfg",
        f"mv /run/pyvenv.cfg {VENV}/pyvenv.cfg",
    ]


def apt(packages: Sequence[str], architecture: str = "TARGETARCH") -> list[str]:
    """Install Debian packages, and leave nothing else; lists and archives are kept in a cache."""
    if not packages:
        return []
    folder = "/run/apt"
    names = " ".join(map(quote.shell_word, packages))
    return [
        f"RUN --mount=type=cache,id=nox-buildkit-apt-${architecture},target={folder},"
        "sharing=locked \\",
        "    --mount=type=secret,id=ca-bundle --mount=type=secret,id=network <<'RUN'",
        "set -eu",
        "if [ -s /run/secrets/network ]; then . /run/secrets/network; fi",
        "export DEBIAN_FRONTEND=noninteractive",
        "# apt reads these in lower case alone.",
        "export http_proxy=${http_proxy:-${HTTP_PROXY:-}}",
        "export https_proxy=${https_proxy:-${HTTPS_PROXY:-}}",
        f"set -- -qq -o Dir::Cache={folder}/cache -o Dir::State::Lists={folder}/lists "
        f"-o Dir::Log={folder} -o Dpkg::Options::=--log={folder}/dpkg.log "
        "-o APT::Keep-Downloaded-Packages=true -o Dpkg::Use-Pty=0",
        "if [ -s /run/secrets/ca-bundle ]; then",
        '  set -- "$@" -o Acquire::https::CAInfo=/run/secrets/ca-bundle',
        "fi",
        f"mkdir -p {folder}/cache/archives/partial {folder}/lists/partial",
        "touch /run/started",
        'apt-get "$@" update',
        *_install_debian(names),
        "rm -f /var/cache/ldconfig/aux-cache /var/cache/debconf/*-old /var/lib/dpkg/*-old",
        "# What the packages brought has their times; what changed now has one time for all.",
        f"find / -xdev -newer /run/started -exec touch --no-dereference --date=@{EPOCH} {{}} +",
        "rm /run/started",
        "RUN",
    ]


def _install_debian(names: str) -> list[str]:
    """Install exactly the packages ``names`` (shell words), or say which could not be."""
    alike = (
        "import difflib, sys; name = sys.argv[1]; "
        "names = [n for n in sys.stdin.read().split() if n[:3] == name[:3]]; "
        'name in names or print("names like", f"{name}:", '
        '", ".join(difflib.get_close_matches(name, names, 3, 0.7)))'
    )
    return [
        "# Without Pattern-Only, a name that is not there is taken for a regular expression.",
        'if ! apt-get "$@" -o APT::Cmd::Pattern-Only=true install --yes --no-install-recommends '
        f"-- {names}; then",
        f"  for name in {names}; do",
        f'    apt-cache "$@" pkgnames | python3 -Ic \'{alike}\' "$name" || true',
        "  done",
        "  exit 100",
        "fi",
        "# A virtual package is there if another provides it.",
        "dpkg-query --show --showformat='${db:Status-Status},${Package},${Provides},\\n' |",
        "  sed -n 's/ *([^)]*)//g; s/, */,/g; s/^installed,/,/p' > /run/installed",
        f"for name in {names}; do",
        '  if ! grep -qF -- ",$name," /run/installed; then',
        '    echo "E: nothing was installed for $name"; exit 100',
        "  fi",
        "done",
        "rm /run/installed",
    ]


def run_step(image: ImagePlan, number: int, step: Step) -> list[str]:
    """Run a program of the application, without a network and without a shell."""
    # Another project may have an image of the same name.
    who = json.dumps([image.repository, image.base.origin, step.run])
    scope = hashlib.sha256(who.encode()).hexdigest()[:12]
    mounts = "".join(
        f" --mount=type=cache,id=nox-buildkit-step-{image.name}-{number}-{position}-{scope},"
        f"target={path}"
        for position, path in enumerate(step.cache)
    )
    words = ["env", *(f"{name}={value}" for name, value in step.env), *step.run]
    return [f"RUN --network=none{mounts} {quote.exec_form(words)}"]


def collect_outputs(image: ImagePlan, stage: str, paths: Sequence[str]) -> list[str]:
    """Make a layer of ``paths``, relative to the working folder, which ``stage`` has made."""
    words = " ".join(map(quote.shell_word, dict.fromkeys(paths)))
    return [
        *offline_run(bytecode_cache(image), f"--mount=type=bind,from={stage},target={_MADE}"),
        "    <<'RUN'",
        "set -eu",
        f'cd "{_MADE}$WORKDIR"',
        f"for path in {words}; do",
        # A link is copied as it is, wherever it leads to.
        '  if [ ! -e "$path" ] && [ ! -L "$path" ]; then',
        '    echo "no step made $path" >&2; exit 1',
        "  fi",
        "done",
        'mkdir -p "/layer$WORKDIR"',
        f'cp -a --parents -- {words} "/layer$WORKDIR/"',
        FINISH,
        "RUN",
    ]


def offline_run(*mounts: str) -> list[str]:
    """Begin a RUN that has the scripts and no network; what it runs follows."""
    every = (SCRIPTS_MOUNT, *mounts)
    return ["RUN --network=none \\", *(f"    {mount} \\" for mount in every)]


def copy_layer(stage: str) -> str:
    """Copy what a stage has made into the place where it belongs."""
    # The whole tree, so that folders on the way have the times of the stage too.
    return f"COPY --link --from={stage} /layer/ /"


def network(image: ImagePlan) -> list[str]:
    """Lines of a shell script that let uv reach what this machine reaches."""
    lines = [
        "set -eu",
        "if [ -s /run/secrets/network ]; then . /run/secrets/network; fi",
        "if [ -s /run/secrets/ca-bundle ]; then",
        "  export SSL_CERT_FILE=/run/secrets/ca-bundle UV_SYSTEM_CERTS=1",
        "fi",
        "if [ -s /run/secrets/netrc ]; then export NETRC=/run/secrets/netrc; fi",
        "export UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy UV_NO_INSTALLER_METADATA=1 "
        "UV_NO_PROGRESS=1 UV_NO_CONFIG=1",
    ]
    if image.index:
        index = quote.shell_word(image.index)
        lines.append(f"export UV_DEFAULT_INDEX=${{UV_DEFAULT_INDEX:-{index}}}")
    if image.extra_indexes:
        indexes = quote.shell_word(" ".join(image.extra_indexes))
        lines.append(f'export UV_INDEX="${{UV_INDEX:+$UV_INDEX }}"{indexes}')
        # What is pinned by hash may come from any of them.
        lines.append("export UV_INDEX_STRATEGY=${UV_INDEX_STRATEGY:-unsafe-best-match}")
    return lines
