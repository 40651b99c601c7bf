"""Install Debian packages with apt."""

from __future__ import annotations

from nox_buildkit.plan.image import ImagePlan
from nox_buildkit.plan.operations import AddDebianPackages
from nox_buildkit.render import quote
from nox_buildkit.render.scripts.layer import EPOCH
from nox_buildkit.render.stages.packages import ARCHITECTURE

#: A cache: what is written there changes no folder of the image.
_APT = "/run/apt"


def add_debian_packages(_image: ImagePlan, operation: AddDebianPackages) -> list[str]:
    """Install Debian packages and leave nothing else; a cache keeps lists and archives."""
    architecture = ARCHITECTURE[operation.machine]
    names = " ".join(map(quote.shell_word, operation.names))
    return [
        f"RUN --mount=type=cache,id=nox-buildkit-apt-${architecture},target={_APT},"
        "sharing=locked \\",
        "    --mount=type=secret,id=ca-bundle --mount=type=secret,id=network <<'RUN'",
        "set -eu",
        "if [ -s /run/secrets/network ]; then . /run/secrets/network; fi",
        "export DEBIAN_FRONTEND=noninteractive",
        "# apt reads these in lower case alone.",
        "export http_proxy=${http_proxy:-${HTTP_PROXY:-}}",
        "export https_proxy=${https_proxy:-${HTTPS_PROXY:-}}",
        f"set -- -qq -o Dir::Cache={_APT}/cache -o Dir::State::Lists={_APT}/lists "
        f"-o Dir::Log={_APT} -o Dpkg::Options::=--log={_APT}/dpkg.log "
        "-o APT::Keep-Downloaded-Packages=true -o Dpkg::Use-Pty=0",
        "if [ -s /run/secrets/ca-bundle ]; then",
        '  set -- "$@" -o Acquire::https::CAInfo=/run/secrets/ca-bundle',
        "fi",
        f"mkdir -p {_APT}/cache/archives/partial {_APT}/lists/partial",
        f"touch {_APT}/started",
        'apt-get "$@" update',
        *_install_debian(names),
        "rm -f /var/cache/ldconfig/aux-cache /var/cache/debconf/*-old /var/lib/dpkg/*-old",
        "# What the packages brought has their times; what changed now has one time for all.",
        f"find / -xdev -newer {_APT}/started -exec touch --no-dereference --date=@{EPOCH} {{}} +",
        f"rm {_APT}/started",
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
        f"  sed -n 's/ *([^)]*)//g; s/, */,/g; s/^installed,/,/p' > {_APT}/installed",
        f"for name in {names}; do",
        f'  if ! grep -qF -- ",$name," {_APT}/installed; then',
        '    echo "E: nothing was installed for $name"; exit 100',
        "  fi",
        "done",
        f"rm {_APT}/installed",
    ]
