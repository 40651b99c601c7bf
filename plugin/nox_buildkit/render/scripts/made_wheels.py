"""Print requirements for the wheels that stages of the build have made.

Runs inside the build:

    python3 made_wheels.py KIND FOLDER NAME...

prints one for each of the packages NAME, whose outputs are in folders of their names below FOLDER:
with KIND ``any`` of the wheels that every machine can install, with ``rest`` of whatever was made,
with ``all`` of every package.
"""

import re
import sys
from pathlib import Path


def normal(name: str) -> str:
    """A package's name as it is compared (packaging.python.org, name normalization)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def main(kind: str, folder: Path, names: "list[str]") -> None:
    """Print a requirement for each wheel of ``kind``: a package gets no other package's wheel."""
    for name in names:
        found = [
            path
            for path in sorted((folder / name).glob("*/*.whl"))
            if kind != "any" or path.parent.name == "any"
        ]
        if [normal(path.name.partition("-")[0]) for path in found] == [name]:
            print(f"{name} @ {found[0].as_uri()}")
        elif found or kind == "all":
            sys.exit(f"{name} cannot be compiled on the machine that builds")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
