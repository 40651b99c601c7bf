"""A real Chromium without a window, driven by chromedriver, both of Debian."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver import ActionChains
from selenium.webdriver.chrome.service import Service

_PACKAGES = ("chromium", "chromium-driver", "fonts-dejavu-core")


@dataclass(frozen=True)
class Browser:
    """One browser; ``cdp`` speaks the Chrome DevTools Protocol."""

    driver: webdriver.Chrome

    def cdp(self, command: str, **parameters: object) -> dict[str, Any]:
        """Return the answer to a command of the protocol."""
        answer: dict[str, Any] = self.driver.execute_cdp_cmd(command, parameters)
        return answer

    def open(self, path: Path) -> list[str]:
        """Open a file; return the addresses that it asked for, without its own."""
        address = path.as_uri()
        self._log("performance")
        self.driver.get(address)
        return [url for url in self._requests() if url.partition("#")[0] != address]

    def errors(self) -> list[str]:
        """Return what the console was told since this was last asked."""
        return [entry["message"] for entry in self._log("browser")]

    def press(self, *keys: str) -> None:
        """Type on the keyboard, wherever the focus is."""
        ActionChains(self.driver).send_keys(*keys).perform()

    def show(self, width: int, scheme: str = "light", *, height: int = 900) -> None:
        """Give the page this many pixels, and the colours that its reader prefers."""
        self.cdp(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        features = [
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]
        self.cdp("Emulation.setEmulatedMedia", features=features)

    def script(self, text: str, *arguments: object) -> Any:
        """Return what a script of the test says about the page: the page itself has none."""
        return self.driver.execute_script(text, *arguments)

    def accessible(self) -> list[tuple[str, str]]:
        """Return role and name of every node that assistive technology is told of."""
        nodes = self.cdp("Accessibility.getFullAXTree")["nodes"]
        return [
            (node["role"]["value"], node.get("name", {}).get("value", ""))
            for node in nodes
            if not node["ignored"]
        ]

    def _log(self, kind: str) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = self.driver.execute("getLog", {"type": kind})["value"]
        return entries

    def _requests(self) -> Iterator[str]:
        for entry in self._log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                yield message["params"]["request"]["url"]


@contextlib.contextmanager
def chromium(profile: Path) -> Iterator[Browser]:
    """Start Debian's Chromium with an empty profile; it is installed first where root may do so."""
    options = webdriver.ChromeOptions()
    options.binary_location = _program("chromium")
    for argument in _arguments(profile):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, Service(_program("chromedriver")))
    try:
        yield Browser(driver)
    finally:
        driver.quit()


def _arguments(profile: Path) -> Sequence[str]:
    return (
        "--headless=new",
        # A container has neither the namespaces of its sandbox nor a large /dev/shm.
        "--no-sandbox",
        "--disable-dev-shm-usage",
        f"--user-data-dir={profile}",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--force-color-profile=srgb",
    )


def _program(name: str) -> str:
    if (found := shutil.which(name)) is None and os.geteuid() == 0:
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        install = ["apt-get", "install", "--quiet=2", "--yes", "--no-install-recommends"]
        subprocess.run(["apt-get", "update", "--quiet=2"], check=True, env=env)
        subprocess.run([*install, *_PACKAGES], check=True, env=env)
        found = shutil.which(name)
    assert found, f"there is no {name}: install Debian's {' '.join(_PACKAGES)}"
    return found
