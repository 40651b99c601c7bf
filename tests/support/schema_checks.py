"""check-jsonschema, in this process: to start it takes longer than what it does."""

from __future__ import annotations

from click.testing import CliRunner, Result


def check_jsonschema(*arguments: object) -> Result:
    """Return what the command does with ``arguments``."""
    # Takes seconds, which tests that do not use it need not wait for.
    from check_jsonschema import main  # type: ignore[import-untyped]  # noqa: PLC0415

    return CliRunner().invoke(main, [str(argument) for argument in arguments])
