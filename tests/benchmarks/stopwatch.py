"""Time and arithmetic of the stages of a program, measured from outside."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from functools import wraps
from typing import Any

Label = str | Callable[..., str]


class Stopwatch:
    """Seconds, calls and floating-point operations by stage.

    A stage within another one is not counted in the outer one, so the stages add up to what they cover. Only
    the thread that made the stopwatch is measured.
    """

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.calls: defaultdict[str, int] = defaultdict(int)
        self.operations: defaultdict[str, float] = defaultdict(float)
        self._running: list[str] = []
        self.restart()

    def restart(self) -> None:
        """Forget everything; what is running goes on being measured."""
        self.seconds.clear()
        self.calls.clear()
        self.operations.clear()
        self._last = self._started = time.perf_counter()
        self._stopped = False
        self.elapsed = 0.0

    def stop(self) -> None:
        """Count nothing from now on."""
        self._switch()
        self.elapsed = time.perf_counter() - self._started
        self._stopped = True

    def _switch(self) -> None:
        """Give the time since the last change to the innermost stage."""
        now = time.perf_counter()
        if self._running and not self._stopped:
            self.seconds[self._running[-1]] += now - self._last
        self._last = now

    def measure(
        self, owner: Any, name: str, label: Label, operations: Callable[..., float] | None = None
    ) -> None:
        """Replace the function ``owner.name`` by one that is measured.

        :param label: the stage, or a function of the arguments that tells it.
        :param operations: floating-point operations of a call, a function of its arguments.
        """
        original = getattr(owner, name)

        @wraps(original)
        def measured(*args: Any, **kwargs: Any) -> Any:
            stage = label if isinstance(label, str) else label(*args, **kwargs)
            self._switch()
            self._running.append(stage)
            try:
                return original(*args, **kwargs)
            finally:
                self._switch()
                self._running.pop()
                self.calls[stage] += not self._stopped
                if operations is not None and not self._stopped:
                    self.operations[stage] += operations(*args, **kwargs)

        setattr(owner, name, measured)
