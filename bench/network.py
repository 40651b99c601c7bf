"""What the peers' downloading steps get to know of this machine: as BuildKit secrets, like ours."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path

from nox_buildkit.build.network_secrets import PROXIES, UV_VARIABLES

#: Environment variable that carries the secret to buildx.
VARIABLE = "NOX_BUILDKIT_BENCH_NETWORK"

_PIP_VARIABLES = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_DEFAULT_TIMEOUT")
_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")
_BUNDLE_IN_STEP = "/run/secrets/ca-bundle"


def ca_bundle(environment: Mapping[str, str]) -> Path | None:
    """The CA bundle of this machine."""
    named = environment.get("SSL_CERT_FILE")
    return next((Path(p) for p in (named, *_BUNDLES) if p and Path(p).is_file()), None)


def network_file(environment: Mapping[str, str]) -> str:
    """A shell file with proxies, package indexes and certificates, for pip and for uv."""
    wanted = {*UV_VARIABLES, *_PIP_VARIABLES}
    exports = {
        name: value
        for name, value in sorted(environment.items())
        if value and (name in wanted or name.upper() in PROXIES)
    }
    if ca_bundle(environment):
        exports |= {
            "SSL_CERT_FILE": _BUNDLE_IN_STEP,
            "PIP_CERT": _BUNDLE_IN_STEP,
            "UV_SYSTEM_CERTS": "1",
        }
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in exports.items())


def secrets(environment: Mapping[str, str]) -> list[str]:
    """Values of buildx --secret."""
    bundle = ca_bundle(environment)
    return [
        f"type=env,id=network,env={VARIABLE}",
        *([f"type=file,id=ca-bundle,src={bundle}"] if bundle else []),
    ]


def with_network(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment that buildx runs in."""
    # nox says to the sessions it runs what they are; those started from here are nobody's children.
    kept = {
        name: value
        for name, value in (environment or os.environ).items()
        if not name.startswith("NOX_") or name.startswith("NOX_BUILDKIT_")
    }
    kept.pop("SOURCE_DATE_EPOCH", None)
    # Users have byte code of what they start.
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return {**kept, VARIABLE: network_file(environment), "NO_COLOR": "1"}
