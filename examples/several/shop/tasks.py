"""Tasks, over a folder that both sides mount: no broker is needed for an example."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from celery import Celery

folder = Path(os.environ["CELERY_FOLDER"])
for name in ("messages", "results"):
    (folder / name).mkdir(exist_ok=True)

app = Celery("shop", broker="filesystem://", backend=f"file://{folder / 'results'}")
app.conf.broker_transport_options = {
    "data_folder_in": str(folder / "messages"),
    "data_folder_out": str(folder / "messages"),
    "control_folder": str(folder),
}


@app.task(name="machine")
def machine() -> str:
    """The architecture of the machine that the worker runs on."""
    return platform.machine()


if __name__ == "__main__":
    print(machine.delay().get(timeout=120))
