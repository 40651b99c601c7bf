"""What ``nox -s build`` makes of the repository's own example, looked at from outside."""

from __future__ import annotations

