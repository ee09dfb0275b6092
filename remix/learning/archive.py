"""The file of a checkpoint: a zip archive as torch writes it, with its digest as the archive's comment.

Whatever else reads zip archives, torch included, takes no notice of the digest. Files without one, of
earlier versions or other programs, are checked by the archive's own sums.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import pickle
import zipfile
from pathlib import Path
from typing import IO, Any

import torch

from remix.settings.errors import SettingError

_MARK = b"sha256:"
_COMMENT = len(_MARK) + hashlib.sha256().digest_size
_END, _END_SIZE = b"PK\x05\x06", 22  # the record at the end of every zip archive; its last two bytes are
_NO_COMMENT = bytes(2)  # the length of the comment that follows
_NOT_OURS = "is not a readable checkpoint of a ReMIX run"
_CHUNK = 1 << 20  # bytes


def write(checkpoint: dict[str, Any], path: Path) -> None:
    """Save a checkpoint; whatever happens meanwhile, the file holds the previous or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Of a fixed name, so that what a killed process left is overwritten by the next.
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with temporary.open("wb") as file:
            hashing = _Hashing(file)
            torch.save(checkpoint, hashing)  # type: ignore[arg-type]
            file.seek(-len(_NO_COMMENT), os.SEEK_CUR)
            file.write(_COMMENT.to_bytes(2, "little") + _MARK + hashing.sum.digest())
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)  # a full disk must not stay so
        raise


def read(path: str | Path, setting: str = "checkpoint") -> dict[str, Any]:
    """The tensors and plain containers of an undamaged checkpoint; no code in it is executed.

    :param setting: that named the file, for errors.
    :raises SettingError: if there is none, or it is damaged.
    """
    try:
        with open(path, "rb") as file:
            _check(file)
            file.seek(0)
            checkpoint = torch.load(file, map_location="cpu", weights_only=True)
    except SettingError as error:
        raise SettingError(setting, path, error.expected) from error
    except OSError as error:
        raise SettingError(setting, path, f"cannot be read ({error.strerror or error})") from error
    except (pickle.UnpicklingError, AttributeError) as error:
        reason = f"{_NOT_OURS}: it holds other things than tensors and plain containers"
        raise SettingError(setting, path, reason) from error
    except Exception as error:  # a crafted file can make torch raise anything
        raise SettingError(setting, path, _NOT_OURS) from error
    if not isinstance(checkpoint, dict):
        raise SettingError(setting, path, _NOT_OURS)
    return checkpoint


class _Hashing:
    """A file that is written once from start to end, and the digest of what was written."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.sum = file, hashlib.sha256()

    def write(self, data: Any) -> int:
        self.sum.update(data)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()


def _check(file: IO[bytes]) -> None:
    """The file is such an archive, and what it was when it was written.

    :raises SettingError: of which only the last part counts.
    """
    size = file.seek(0, os.SEEK_END)
    if size == 0:
        raise SettingError("", "", "is empty")
    file.seek(0)
    if file.read(4) != b"PK\x03\x04":
        raise SettingError("", "", _NOT_OURS)
    file.seek(max(0, size - _END_SIZE - _COMMENT))
    tail = file.read()
    end = tail.rfind(_END)
    comment = tail[end + _END_SIZE :]
    if end < 0 or int.from_bytes(tail[end + _END_SIZE - 2 : end + _END_SIZE], "little") != len(comment):
        raise SettingError("", "", "is damaged: its end is missing")
    sealed = comment.startswith(_MARK)
    if sealed and not hmac.compare_digest(_digest(file, size - _COMMENT), comment[len(_MARK) :]):
        raise SettingError("", "", "is damaged: it differs from its digest")
    _check_members(file, size, sums=not sealed)


def _digest(file: IO[bytes], length: int) -> bytes:
    """Of the archive in the first bytes of a file, as it was before it got a comment."""
    total, left = hashlib.sha256(), length - len(_NO_COMMENT)
    file.seek(0)
    while left and (chunk := file.read(min(_CHUNK, left))):
        total.update(chunk)
        left -= len(chunk)
    total.update(_NO_COMMENT)
    return total.digest()


def _check_members(file: IO[bytes], size: int, sums: bool) -> None:
    """The archive's parts are stored plainly, so that no small file grows, and fit their own sums."""
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            if any(member.compress_type != zipfile.ZIP_STORED for member in members):
                raise SettingError("", "", f"{_NOT_OURS}: parts of it are compressed")
            if sum(member.file_size for member in members) > size:
                raise SettingError("", "", "is damaged: its parts are larger than the file")
            damaged = archive.testzip() if sums else None
    except SettingError:
        raise
    except Exception as error:  # a crafted file can make it raise anything
        raise SettingError("", "", f"is damaged, or {_NOT_OURS}") from error
    if damaged is not None:
        raise SettingError("", "", "is damaged: a part of it differs from its sum")
