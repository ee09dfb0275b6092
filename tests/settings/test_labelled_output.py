"""Lines of several threads keep whole, and say whose they are."""

from __future__ import annotations

import sys
from threading import Barrier, Thread, get_ident

import pytest

from remix.settings.labelled_output import labelled_output


def test_lines_have_the_label_of_their_thread(capsys: pytest.CaptureFixture[str]) -> None:
    both = Barrier(2)

    def write(name: str) -> None:
        labels[get_ident()] = name
        for i in range(50):
            both.wait()
            print(name, end="")
            both.wait()
            print(f" line {i}\n\nanother")
        print("error", file=sys.stderr)

    before = sys.stdout, sys.stderr
    with labelled_output() as labels:
        threads = [Thread(target=write, args=(name,)) for name in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print("unlabelled", end="")
        assert not sys.stdout.isatty()
    assert (sys.stdout, sys.stderr) == before
    out, err = capsys.readouterr()
    assert set(err.splitlines()) == {"[a] error", "[b] error"}
    assert out.endswith("unlabelled")
    for name in "ab":
        mine = [line for line in out.splitlines() if line.startswith(f"[{name}]")]
        assert mine == [
            line for i in range(50) for line in (f"[{name}] {name} line {i}", f"[{name}] another")
        ]
