"""Containers that tests start, and what they answer."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from python_on_whales import Container, DockerClient


@contextmanager
def running(
    client: DockerClient,
    image: str,
    platform: str,
    env: Mapping[str, str] | None = None,
    port: int | None = None,
) -> Iterator[Container]:
    """Run ``image`` on the host's network until the block ends; ``port`` stands for 8000."""
    command = client.image.inspect(image).config.cmd or [] if port else []
    given = {"PORT": str(port)} if any("${PORT" in word for word in command) else {}
    container = client.run(
        image,
        [] if given else [word.replace("8000", str(port)) for word in command],
        detach=True,
        networks=["host"],
        platform=platform,
        envs={**(env or {}), **given},
    )
    assert isinstance(container, Container)
    try:
        yield container
    finally:
        container.remove(force=True)


def answer_of(container: Container, port: int, patience: float) -> dict[str, Any]:
    """What ``container`` answers on ``port``, as JSON; ``patience``: seconds that it may take."""
    deadline = time.monotonic() + patience
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=20) as response:
                answer: dict[str, Any] = json.load(response)
                return answer
        except OSError:
            container.reload()  # type: ignore[no-untyped-call]
            assert container.state.running, container.logs()
            assert time.monotonic() < deadline, container.logs()
            time.sleep(0.1)
