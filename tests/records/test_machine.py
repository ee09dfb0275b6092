"""What is known of the machine."""

import sys
from pathlib import Path

import pytest

from remix.records.machine import machine


def test_processor_cores_and_system() -> None:
    found = machine()
    assert int(found["cores"]) >= 1
    assert found["processor"] and sys.platform in found["system"].lower()


def test_a_system_that_tells_little(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable(*arguments: object) -> str:
        raise PermissionError

    monkeypatch.setattr(Path, "read_text", unreadable)
    assert machine()["processor"]
