"""Pages of the documentation whose commands are run as they stand there.

A comment before a code block says what it is:

``<!-- run -->``              a command
``<!-- run: until stop -->``  a command that goes on until ``<!-- stop -->``
``<!-- write: PATH -->``      a file
``<!-- holds: PATH -->``      what a file holds then
``<!-- output -->``           lines that the command before printed
``<!-- same as: PATH -->``    a file of this project, without its comments

Neither GitHub nor the site shows them.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_STEP = re.compile(
    r"^<!-- (?P<mark>[a-z ]+)(?:: (?P<value>[^>]+?))? -->\n"
    r"(?:```(?P<language>\w+)\n(?P<text>.*?)^```$)?",
    re.MULTILINE | re.DOTALL,
)
_END = "end of a file of the page"
#: curl, where there may be none; waits for a server that is about to start.
_CURL = """\
import sys, time, urllib.request
for attempt in range(120):
    try:
        sys.exit(print(urllib.request.urlopen(sys.argv[1], timeout=5).read().decode()))
    except OSError:
        time.sleep(0.5)
sys.exit("no answer")
"""


@dataclass(frozen=True, slots=True)
class Step:
    """A marked code block: ``value`` is what the mark says after the colon."""

    mark: str
    value: str
    text: str


def steps(page: Path) -> list[Step]:
    """The marked blocks of a page, in their order."""
    found = _STEP.finditer(page.read_text(encoding="utf-8"))
    return [Step(m["mark"], m["value"] or "", m["text"] or "") for m in found]


def run_page(
    page: Path, folder: Path, environment: Mapping[str, str], others: Mapping[str, str]
) -> None:
    """Do in ``folder`` what the page says; every file and every output is as the page shows it.

    ``others``: text → what stands in for it in commands, and in files once they were compared.
    """
    held = folder.parent / "held"
    held.mkdir()
    parts = steps(page)
    begin = ["set -e -o pipefail", 'ROOT="$PWD"', _function()]
    done = subprocess.run(
        ["bash", "-c", "\n".join([*begin, *_lines(parts, held, others)])],
        check=False, cwd=folder, env=environment, text=True, timeout=900,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    printed = re.split(r"^step \d+$\n", done.stdout, flags=re.MULTILINE)
    last = -1
    for number, step in enumerate(parts):
        if step.mark == "run":
            last = number
        elif step.mark == "output":
            said = printed[last + 1]
            missing = [line for line in step.text.splitlines() if line not in said]
            assert missing == [], f"{page.name}, step {last}: {said}"
        elif step.mark == "holds":
            assert (held / str(number)).read_text() == step.text, step.value


def _function() -> str:
    return f'curl() {{ {shlex.quote(sys.executable)} -c {shlex.quote(_CURL)} "$@"; }}'


def _lines(parts: Sequence[Step], held: Path, others: Mapping[str, str]) -> Iterator[str]:
    """The page as a program of bash, with a line before what each step prints."""
    for number, step in enumerate(parts):
        yield f"echo step {number}"
        # Commands of the page may have changed the folder.
        path = f'"$ROOT"/{shlex.quote(step.value)}'
        text = step.text
        for old, new in others.items():
            text = text.replace(old, new)
        match step.mark, step.value:
            case "run", "":
                yield text
            case "run", _:
                yield f"set -m\n{{\n{text}}} >{shlex.quote(str(held / 'log'))} 2>&1 &\nset +m"
            case "stop", _:
                yield 'kill -INT -- "-$!"; wait "$!" || true'
            case "write", _:
                yield f"mkdir -p \"$(dirname {path})\"\ncat >{path} <<'{_END}'\n{step.text}{_END}"
            case "holds", _:
                yield f"cp {path} {shlex.quote(str(held / str(number)))}"
                yield from (f"sed -i 's|{o}|{n}|g' {path}" for o, n in others.items())
