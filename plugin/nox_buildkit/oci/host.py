"""This machine, in the terms of the OCI."""

from __future__ import annotations

import os

#: os.uname().machine → architecture (the GOARCH of the OCI image specification).
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64", "armv7l": "arm/v7"}


def host_platform() -> str:
    """The platform of images that run here without emulation: ``linux/amd64``."""
    machine = os.uname().machine
    return f"linux/{_ARCHITECTURES.get(machine, machine)}"
