"""The MLflow pages that ``remix ui`` opens, in a real browser."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

SECONDS = 240.0


@contextmanager
def served(uri: str, study: str) -> Iterator[str]:
    """The address of the page that ``remix ui STUDY`` opens on a store."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = ["ui", study, "--tracking-uri", uri, "--port", str(port), "--no-open"]
    code = f"import sys; from remix.cli import main; sys.argv[1:] = {arguments}; main()"
    process = subprocess.Popen([sys.executable, "-u", "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    [line] = [line for line in (process.stdout.readline() for _ in range(3)) if "compare the runs" in line]
    try:
        yield line.split()[-1]
    finally:
        process.terminate()
        process.wait()


class Page:
    """A page in the browser."""

    def __init__(self, browser: Any, address: str) -> None:
        self.browser = browser
        browser.get("about:blank")  # a change behind the # alone would keep the page before
        browser.get(address)

    def shows(self, *texts: str) -> None:
        """Wait until all of the texts are to be seen."""
        deadline = time.monotonic() + SECONDS
        while missing := [wanted for wanted in texts if wanted not in self.text]:
            assert time.monotonic() < deadline, f"not to be seen: {missing} in {self.text}"
            time.sleep(0.2)

    def waits_for(self, selector: str) -> None:
        deadline = time.monotonic() + SECONDS
        while not self.browser.find_elements("css selector", selector):
            assert time.monotonic() < deadline, f"there is no {selector}"
            time.sleep(0.2)

    @property
    def text(self) -> str:
        return str(self.browser.execute_script("return document.body.innerText"))
