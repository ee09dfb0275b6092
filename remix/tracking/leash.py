"""A command that ends with the process that started it, in whatever way that ends: ``leash.py COMMAND...``.

It stands alone, so that it starts at once, and is to be started in a process group of its own, with a pipe as
its standard input. The pipe is closed when nobody holds its other end any more.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

END_SECONDS = 10.0


def main(command: list[str]) -> int:
    """Run the command, and return its exit status."""
    # A signal to the group is for the command, after which this process ends as well.
    signal.signal(signal.SIGTERM, lambda *_: None)
    child, alone = subprocess.Popen(command, stdin=subprocess.DEVNULL), threading.Event()
    threading.Thread(target=_watch, args=(child, alone), daemon=True).start()
    status = child.wait()
    if alone.is_set() and hasattr(os, "killpg"):
        time.sleep(END_SECONDS)
        os.killpg(0, signal.SIGKILL)
    return status


def _watch(child: subprocess.Popen[bytes], alone: threading.Event) -> None:
    while os.read(sys.stdin.fileno(), 1):  # unlike sys.stdin without a lock, which would be missed at the end
        pass
    alone.set()
    if hasattr(os, "killpg"):
        os.killpg(0, signal.SIGTERM)
    else:
        child.terminate()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
