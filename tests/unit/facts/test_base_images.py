"""What a user who is not root, and has no means to become it, is told of base ``debian``."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

_NOBODY = """\
import os, sys
# Nobody may be unable to read the modules that are imported late.
from nox_buildkit.bases import debian_base, debian_source
from nox_buildkit.debian import package_names
from nox_buildkit.errors import EngineError
from nox_buildkit.facts.base_images import Bases
from nox_buildkit.progress import SILENT

if os.geteuid() == 0:
    os.chown(os.environ["NOX_BUILDKIT_CACHE"], 65534, 65534)
    os.setuid(65534)
try:
    Bases(None, None, SILENT).of_debian("3.13", ["linux/amd64"])
except EngineError as error:
    print(error)
"""


def test_base_debian_says_what_it_needs_besides_root() -> None:
    # Not pytest's folder, which others cannot enter.
    with tempfile.TemporaryDirectory() as cache, tempfile.TemporaryDirectory() as programs:
        # A Debian without newuidmap.
        Path(programs).chmod(0o755)
        Path(programs, "apt-get").symlink_to("/usr/bin/apt-get")
        done = subprocess.run(
            [sys.executable, "-c", _NOBODY],
            env={"PATH": programs, "NOX_BUILDKIT_CACHE": cache},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.stdout == (
        "base 'debian' is assembled as root, or by a user who has newuidmap; run nox as root "
        "(`sudo -E nox -s build`) or `apt-get install uidmap`, or set 'base' to 'slim'\n"
    ), done.stderr
