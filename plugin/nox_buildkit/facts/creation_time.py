"""The time that an image says it was created at, where the user states one."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from nox_buildkit.errors import Code, UsageError


def source_date_epoch() -> datetime | None:
    """Return SOURCE_DATE_EPOCH (reproducible-builds.org); None if unset. Raises UsageError."""
    value = os.environ.get("SOURCE_DATE_EPOCH")
    if not value:
        return None
    try:
        return datetime.fromtimestamp(int(value), UTC)
    except (ValueError, OverflowError, OSError):
        raise UsageError(
            Code.ENVIRONMENT(
                f"SOURCE_DATE_EPOCH is '{value}'", "set it to seconds since 1970, or unset it"
            )
        ) from None
