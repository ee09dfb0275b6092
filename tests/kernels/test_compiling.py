"""Machine code that is kept between runs, and what happens where it cannot be."""

import importlib.util
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numba import config
from numba.core.caching import CacheImpl, IndexDataCacheFile

from remix.kernels import compiler, compiling

SOURCE = """
from remix.kernels.compiling import compile_kept

def double(numbers):
    return 2.0 * numbers.sum()

double = compile_kept(double, SOURCES)
"""


class Program:
    """A file with a compiled function."""

    def __init__(self, folder: Path) -> None:
        self.path, self.sources = folder / "kept.py", "first"

    def kept(self) -> list[Path]:
        """The files that hold its code: the index, then the code itself."""
        return sorted((self.path.parent / "__pycache__").glob("*.nb[ic]"), key=lambda file: file.suffix[::-1])

    def run(self) -> int:
        """Loads it anew, as another process would; returns how often its code came from the disk."""
        self.path.write_text(SOURCE.replace("SOURCES", repr(self.sources)))
        spec = importlib.util.spec_from_file_location("kept", self.path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        assert module.double(np.ones(3)) == 6.0
        return sum(module.double.stats.cache_hits.values())


@pytest.fixture
def program(tmp_path, monkeypatch):
    monkeypatch.setattr(config, "CACHE_DIR", "")
    monkeypatch.setattr(compiling._Kept, "_told", False)
    return Program(tmp_path)


def test_code_is_kept(program):
    assert [program.run() for _ in range(3)] == [0, 1, 1]


def test_a_change_in_other_sources_makes_it_anew(program):
    assert [program.run(), program.run()] == [0, 1]
    program.sources = "second"
    assert [program.run(), program.run()] == [0, 1]


def test_the_kernels_of_networks_depend_on_all_their_files():
    function: Any = compiler.compiled(lambda x: x)
    files = Path(compiler.__file__).parent.glob("*.py")
    assert function._cache._cache_file._source_stamp[1] == compiling.digest(sorted(files))


def test_code_with_and_without_checks_of_indices_never_mix(program, monkeypatch):
    hits = []
    for checks in (None, 1, None, 1):
        monkeypatch.setattr(config, "BOUNDSCHECK", checks)
        hits.append(program.run())
    assert hits == [0, 0, 1, 1]


@pytest.mark.parametrize("which", [0, 1], ids=["index", "code"])
@pytest.mark.parametrize("at", [0.0, 0.02, 0.5, 0.98, None])
def test_a_damaged_file_is_made_anew(program, which, at, capfd):
    program.run()
    file = program.kept()[which]
    content = bytearray(file.read_bytes())
    if at is None:
        del content[len(content) // 2 :]
    else:
        content[int(at * len(content))] ^= 0x55
    file.write_bytes(content)
    assert program.run() in (0, 1)
    assert program.run() == 1
    assert capfd.readouterr().err == ""


def test_code_under_the_name_of_another_is_made_anew(tmp_path, monkeypatch):
    """As two processes leave it that keep code of one function at the same time."""
    monkeypatch.setattr(config, "CACHE_DIR", "")
    path = tmp_path / "kept.py"
    path.write_text(SOURCE.replace("SOURCES", "''"))

    def load() -> Any:
        spec = importlib.util.spec_from_file_location("kept", path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.double

    load()(np.ones(3)), load()(np.ones(3, np.int32))
    one, other = sorted(tmp_path.rglob("*.nbc"))
    for name, content in {one: other.read_bytes(), other: one.read_bytes()}.items():
        name.write_bytes(content)
    again = load()
    assert (again(np.full(3, 0.5)), again(np.full(3, 5, np.int32))) == (3.0, 30.0)
    assert sum(again.stats.cache_hits.values()) == 0


def test_where_nothing_can_be_written_it_is_compiled_and_said_once(program, monkeypatch, capfd):
    def fail(*arguments):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(CacheImpl, "_locator_classes", [])
    monkeypatch.setattr(IndexDataCacheFile, "_open_for_write", fail)
    assert [program.run(), program.run()] == [0, 0]
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("compiled code cannot be kept (Permission denied)")


def test_a_folder_that_runs_full_later_ends_nothing(program, monkeypatch, capfd):
    program.run()
    program.kept()[0].unlink()

    def fail(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(IndexDataCacheFile, "_open_for_write", fail)
    assert program.run() == 0
    assert "No space left on device" in capfd.readouterr().err


def test_code_that_may_only_be_read_is_read(program, monkeypatch, capfd):
    """As in an image that was built by another user than the one who runs it."""
    program.run()
    monkeypatch.setattr(CacheImpl, "_locator_classes", [])
    assert program.run() == 1
    assert capfd.readouterr().err == ""


def test_numbas_own_folder_may_lead_nowhere(program, monkeypatch):
    monkeypatch.setattr(config, "CACHE_DIR", "/proc/nowhere")
    assert [program.run(), program.run()] == [0, 1]


OTHER_USER = """
import os, sys
import numba, numpy, remix.kernels.compiling
numba.njit(lambda numbers: numbers.sum())(numpy.ones(3))  # loads what the other user may be forbidden to read
os.setgid(65534)
os.setuid(65534)
os.environ["HOME"] = "/nowhere"
sys.path.insert(0, sys.argv[1])
import kept
assert kept.double(numpy.ones(3)) == 6.0
"""


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="becomes another user, as root only can")
def test_another_user_without_a_home_can_compute():
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA")}
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        Path(folder, "kept.py").write_text(SOURCE.replace("SOURCES", "''"))
        command = [sys.executable, "-c", OTHER_USER, folder]
        finished = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)
    assert finished.returncode == 0, finished.stderr
    assert finished.stderr.count("compiled code cannot be kept (") == 1
