"""A word about threads of a user's own that keep a command from ending."""

from __future__ import annotations

import sys
import time
from threading import Thread, current_thread, main_thread
from threading import enumerate as running_threads

_NAMED = 3


def tell_of_threads(patience: float = 5.0) -> None:
    """Say what the process waits for, if that takes long once the command has done its work.

    :param patience: seconds from then on.
    """
    if _awaited():
        Thread(target=_tell, args=(patience,), daemon=True).start()


def _tell(patience: float) -> None:
    main_thread().join()
    time.sleep(patience)
    names = [thread.name for thread in _awaited()]
    listed = ", ".join(names[:_NAMED]) + f" and {len(names) - _NAMED} more" * (len(names) > _NAMED)
    print(f"warning: all is done but for threads of a game or a callback: {listed}", file=sys.stderr)


def _awaited() -> list[Thread]:
    """Threads without whose end the process does not end."""
    ours = (main_thread(), current_thread())
    return [thread for thread in running_threads() if not thread.daemon and thread not in ours]
