"""Names that say that a value is a secret."""

from __future__ import annotations

import re

_SECRET = re.compile(
    "PASSWORD|PASSWD|SECRET|TOKEN|CREDENTIAL|API_?KEY|PRIVATE_KEY"
    "|(?:_|^)(?:PASS|PWD|PASSPHRASE|PAT)(?:_|$)",
    re.IGNORECASE,
)
#: The rule SecretsUsedInArgOrEnv of BuildKit.
_BUILDKIT = re.compile(
    "(?:_|^)(?:apikey|auth|credentials?|key|password|pword|passwd|secret|token)(?:_|$)",
    re.IGNORECASE,
)


def is_secret_name(name: str) -> bool:
    """Tell whether the variable ``name`` is named like a secret."""
    by_buildkit = _BUILDKIT.search(name) and "public" not in name.lower()
    return bool(_SECRET.search(name) or by_buildkit)
