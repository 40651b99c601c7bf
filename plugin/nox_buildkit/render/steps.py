"""The scripts of build steps: install packages, make wheels, add Debian packages."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import PurePosixPath

from nox_buildkit.plan.make import VENV
from nox_buildkit.plan.model import ImagePlan
from nox_buildkit.plan.parts import Step
from nox_buildkit.render import quote
from nox_buildkit.render.inputs import INPUTS, SCRIPTS, SCRIPTS_MOUNT
from nox_buildkit.render.layer import EPOCH

#: Files that ``uv venv`` makes and an image has no use for.
_VENV_ONLY = (
    "bin/activate* bin/deactivate.bat bin/pydoc.bat .gitignore .lock CACHEDIR.TAG "
    "lib/python*/site-packages/_virtualenv.*"
)

#: Files of the environment itself, which are in the layer of pure packages.
ENVIRONMENT = " bin/python* pyvenv.cfg lib64"

_WHEEL_CACHE = "/var/cache/wheels"
BYTECODE_CACHE = "--mount=type=cache,id=nox-buildkit-bytecode,target=/var/cache/bytecode"
FINISH = f"python3 {SCRIPTS}/layer.py /layer /var/cache/bytecode"


def make_wheels(
    image: ImagePlan, architecture: str, sdists: str, option: str, mounts: Sequence[str] = ()
) -> list[str]:
    """Make wheels of what ``sdists`` mounts, on a machine of the variable ``architecture``."""
    return [
        "USER 0:0",
        *apt(image.build_apt, architecture),
        f"RUN {SCRIPTS_MOUNT} \\",
        f"    {sdists} \\",
        f"    --mount=type=bind,from=uv,source=linux-${architecture},target=/run/uv \\",
        f"    --mount=type=cache,id=nox-buildkit-wheels,target={_WHEEL_CACHE} \\",
        *mounts,
        "    --mount=type=secret,id=ca-bundle --mount=type=secret,id=network \\",
        "    --mount=type=secret,id=netrc <<'RUN'",
        *_network(image),
        "export PATH=/run/uv:$PATH",
        f"python3 {SCRIPTS}/wheels.py {INPUTS}/requirements.txt "
        f"{_wheel_cache(image)} /wheels {option}",
        "RUN",
    ]


def _wheel_cache(image: ImagePlan) -> str:
    """Where wheels are kept that were compiled in presence of the same Debian packages."""
    if not image.compiled_with:
        return _WHEEL_CACHE
    digest = hashlib.sha256(" ".join(sorted(image.compiled_with)).encode()).hexdigest()
    return f"{_WHEEL_CACHE}/with-{digest[:12]}"


def install(
    image: ImagePlan,
    architecture: str,
    *,
    cache: str,
    requirements: str,
    before: Sequence[str] = (),
    option: str = "",
    extra: str = "",
    wheels: str = "",
) -> list[str]:
    """Install packages into the virtual environment, which becomes a layer.

    ``architecture``: variable that names the machine of the step; ``cache`` tells apart what must
    not race; ``requirements``: the mount of what is installed; ``option`` and ``before``: more
    for uv; ``extra``: more to remove of the environment; ``wheels``: the stage that made wheels.
    """
    command = f"uv pip install --python {VENV}{option} --no-deps"
    mount = f"    --mount=type=bind,from={wheels},source=/wheels,target=/run/wheels \\"
    return [
        f"RUN {SCRIPTS_MOUNT} \\",
        f"    {requirements} \\",
        f"    --mount=type=bind,from=uv,source=linux-${architecture},target=/run/uv \\",
        f"    --mount=type=cache,id=nox-buildkit-uv-{cache},target=/var/cache/uv \\",
        f"    {BYTECODE_CACHE} \\",
        *([mount] if wheels else []),
        "    --mount=type=secret,id=ca-bundle --mount=type=secret,id=network \\",
        "    --mount=type=secret,id=netrc <<'RUN'",
        *_network(image),
        "export PATH=/run/uv:$PATH UV_CACHE_DIR=/var/cache/uv",
        *before,
        f"uv venv --quiet --no-project --python python3 {VENV}",
        f"{command} --require-hashes --only-binary :all: --requirements {INPUTS}/requirements.txt",
        *(_compiled_wheels(command) if wheels else []),
        *_interpreter(image),
        f"(cd {VENV} && rm -rf {_VENV_ONLY}{extra})",
        f"mkdir -p /layer{PurePosixPath(VENV).parent} && mv {VENV} /layer{VENV}",
        FINISH,
        "RUN",
    ]


def _compiled_wheels(command: str) -> list[str]:
    return [
        "for wheel in /run/wheels/*.whl; do",
        # There may be none for this platform.
        f'  if [ -e "$wheel" ]; then {command} --no-index "$wheel"; fi',
        "done",
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


def run_step(image: str, number: int, step: Step) -> list[str]:
    """Run a program of the application, without a network and without a shell."""
    mounts = "".join(
        f" --mount=type=cache,id=nox-buildkit-step-{image}-{number}-{position},target={path}"
        for position, path in enumerate(step.cache)
    )
    words = ["env", *(f"{name}={value}" for name, value in step.env), *step.run]
    return [f"RUN --network=none{mounts} {quote.exec_form(words)}"]


def collect_outputs(paths: Sequence[str]) -> list[str]:
    """Make a layer of ``paths``, relative to the working folder."""
    words = " ".join(map(quote.shell_word, dict.fromkeys(paths)))
    return [
        *offline_run(),
        f"    {BYTECODE_CACHE} <<'RUN'",
        "set -eu",
        f"for path in {words}; do",
        '  if [ ! -e "$path" ]; then echo "no step made $path" >&2; exit 1; fi',
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


def _network(image: ImagePlan) -> list[str]:
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
