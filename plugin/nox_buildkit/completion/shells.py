"""The code that a shell loads: argcomplete's for nox, with this package to answer it."""

from __future__ import annotations

import shlex

from argcomplete.shell_integration import shellcode

from nox_buildkit.errors import Code, UsageError

_SHELLS = ("bash", "zsh", "fish")
_FUNCTION = "_nox_buildkit_complete"


def shell_code(shell: str, python: str) -> str:
    """Return the code for ``shell``; ``python``: the program that has nox and this package.

    Raises UsageError for another shell than the three.
    """
    if shell not in _SHELLS:
        message = f"there is no completion for '{shell}'"
        raise UsageError(Code.COMMAND_LINE(message, f"it is one of {', '.join(_SHELLS)}"))
    command = f"{shlex.quote(python)} -m nox_buildkit complete"
    if shell == "fish":
        return shellcode(["nox"], True, shell, None, command)
    # argcomplete takes one word for the program, and a function is one.
    function = f"{_FUNCTION}() {{ {command}; }}"
    code = shellcode(["nox"], True, shell, None, _FUNCTION)
    first, _, rest = code.partition("\n")
    # zsh reads the first line of a file that it finds by itself.
    return f"{first}\n{function}\n{rest}"
