"""Files of an installed distribution.

Source: PyPA, "Recording installed projects" (RECORD).
"""

from __future__ import annotations

import csv
import io
import posixpath
from collections.abc import Iterator


def recorded_files(dist_info: str, record: bytes) -> Iterator[tuple[str, str]]:
    """Yield the absolute path of each file that a RECORD lists, and its hash; "" without one.

    ``dist_info``: the folder of the RECORD; hashes: ``ALGORITHM=VALUE``.
    """
    site = posixpath.dirname(dist_info)
    for row in csv.reader(io.StringIO(record.decode(errors="replace"), newline="")):
        if row:
            yield (
                posixpath.normpath(posixpath.join(site, row[0])),
                row[1] if len(row) > 1 else "",
            )
