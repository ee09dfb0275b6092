"""What a store has taken of a run, noted in the run's folder."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from uuid import uuid4

from remix.settings.files import replace_text

NOTE = "delivery.json"
"""In a run's directory: what the store has taken."""


@dataclass
class Note:
    """What the store has taken.

    :ivar store: its address, without passwords.
    :ivar key: value of the run's tag ``remix.run``, whatever the store.
    :ivar parameters: digest of the configuration that they came from.
    :ivar metrics: bytes of the journal.
    :ivar kept: as many of them as no resume was to take back.
    :ivar repeats: whether it has points beyond those, which the run may log once more.
    :ivar files: name, size and time of change of artifacts.
    """

    store: str
    key: str = field(default_factory=lambda: uuid4().hex)
    run_id: str | None = None
    status: str | None = None
    parameters: str = ""
    metrics: int = 0
    kept: int = 0
    repeats: bool = False
    tags: dict[str, str] = field(default_factory=dict)
    files: dict[str, list[int]] = field(default_factory=dict)

    @classmethod
    def read(cls, directory: Path) -> Note | None:
        """That of a run's directory, None if there is none."""
        try:
            return cls(**json.loads((directory / NOTE).read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def write(self, directory: Path) -> None:
        """Replace that of a run's directory."""
        replace_text(directory / NOTE, json.dumps(asdict(self), indent=1))
