"""The file of a checkpoint: its digest, and what damage or malice does to it."""

from __future__ import annotations

import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

from remix.learning import archive
from remix.settings.errors import SettingError


def weights() -> dict[str, Any]:
    return {"state_dict": {"weight": torch.arange(5000.0)}, "env_steps": 3}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    archive.write(weights(), tmp_path / "last.ckpt")
    return tmp_path / "last.ckpt"


def test_what_was_written_is_read(path: Path) -> None:
    read = archive.read(path)
    assert read.keys() == weights().keys()
    assert torch.equal(read["state_dict"]["weight"], torch.arange(5000.0))


def test_other_readers_take_the_file_as_it_is(path: Path) -> None:
    assert torch.load(path, weights_only=True)["env_steps"] == 3
    assert torch.load(path, weights_only=True, mmap=True)["env_steps"] == 3
    with zipfile.ZipFile(path) as members:
        assert members.testzip() is None
        assert members.comment.startswith(b"sha256:")


@pytest.mark.parametrize("share", [0.0, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0])
def test_a_flipped_byte_is_noticed(path: Path, share: float) -> None:
    data = bytearray(path.read_bytes())
    data[round(share * (len(data) - 1))] ^= 0x10
    path.write_bytes(data)
    with pytest.raises(SettingError, match=r"^checkpoint=.*last\.ckpt: is (damaged|not a readable)[^\n]*$"):
        archive.read(path)


@pytest.mark.parametrize("missing", [1, 10, 39, 41, 60, 61, 62, 1000, 15_000])
def test_a_file_cut_short_is_noticed(path: Path, missing: int) -> None:
    path.write_bytes(path.read_bytes()[:-missing])
    with pytest.raises(SettingError, match=r"is damaged|is not a readable"):
        archive.read(path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
def test_a_file_without_a_digest_is_checked_by_its_own_sums(path: Path, share: float) -> None:
    torch.save(weights(), path)
    assert archive.read(path)["env_steps"] == 3
    data = bytearray(path.read_bytes())
    data[round(share * len(data))] ^= 1
    path.write_bytes(data)
    with pytest.raises(SettingError, match="is damaged"):
        archive.read(path)


class _Marker:
    """Leaves a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def test_no_code_in_a_file_is_executed(tmp_path: Path) -> None:
    path, marker = tmp_path / "evil.ckpt", tmp_path / "marker"
    for write in (
        lambda: torch.save({"x": _Marker(marker)}, path),
        lambda: torch.save({"x": _Marker(marker)}, path, _use_new_zipfile_serialization=False),
        lambda: path.write_bytes(pickle.dumps(_Marker(marker))),
        lambda: archive.write({"x": _Marker(marker)}, path),
    ):
        write()
        with pytest.raises(SettingError, match="is not a readable checkpoint of a ReMIX run"):
            archive.read(path)
    assert not marker.exists()


def test_what_is_no_checkpoint_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "x.ckpt"
    with pytest.raises(SettingError, match="cannot be read"):
        archive.read(path)
    with pytest.raises(SettingError, match="cannot be read"):
        archive.read(tmp_path)
    for content, reason in (
        (b"", "is empty"),
        (b"text" * 99, "is not a readable"),
        (b"PK\x03\x04", "is damaged"),
    ):
        path.write_bytes(content)
        with pytest.raises(SettingError, match=reason):
            archive.read(path)
    with zipfile.ZipFile(path, "w") as members:
        members.writestr("a.txt", "text")
    with pytest.raises(SettingError, match="is not a readable"):
        archive.read(path)
    torch.save([1, 2], path)
    with pytest.raises(SettingError, match="is not a readable"):
        archive.read(path)


def test_a_small_file_that_grows_is_refused(path: Path, tmp_path: Path) -> None:
    with (
        zipfile.ZipFile(path) as members,
        zipfile.ZipFile(tmp_path / "grows.ckpt", "w", zipfile.ZIP_DEFLATED) as grows,
    ):
        for member in members.infolist():
            grows.writestr(member.filename, members.read(member))
    with pytest.raises(SettingError, match="parts of it are compressed"):
        archive.read(tmp_path / "grows.ckpt")


def test_a_write_that_fails_leaves_the_earlier_file_and_no_other(path: Path) -> None:
    with pytest.raises(TypeError):
        archive.write({"weights": torch.zeros(100_000), "then": _Unwritable()}, path)
    assert archive.read(path)["env_steps"] == 3
    assert os.listdir(path.parent) == ["last.ckpt"]


class _Unwritable:
    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("a full disk, say")
