"""How a run ends, in whatever way: its record says so, then its loggers are told."""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import Logger

from remix.callbacks.side_matters import side_matter
from remix.runs.records import ERROR_FILE, read_run, write_run
from remix.settings.errors import first_line
from remix.settings.redaction import redact
from remix.tracking.loggers import FolderLogger, MLflowLogger

ENDS = {"finished": "success", "failed": "failed", "interrupted": "KILLED", "stopped": "KILLED"}
"""What other people's loggers are told of a run's status, in MLflow's own word where Lightning has none."""


@contextmanager
def ending(directory: Path, record: dict[str, Any], goes_on: bool) -> Iterator[None]:
    """Within, a run trains; however it ends, its record says so once it has begun.

    :param goes_on: whether there was such a run before, which is as it was if this one is refused.
    """
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        if "status" in record:
            record["status"] = "interrupted"
            write_run(directory, record)
        last = directory / "checkpoints/last.ckpt"
        begins = f"goes on from {last}" if last.is_file() else "begins anew: there is no checkpoint yet"
        print(f"\ninterrupted; the same command with resume=auto {begins}")
        raise
    except Exception as error:
        if "status" in record or not goes_on:
            record |= {"status": "failed", "error": redact(first_line(error))}
            with suppress(OSError):  # of a full disk, say: the first error is the one to be told
                write_run(directory, record)
                (directory / ERROR_FILE).write_text(redact(traceback.format_exc()))
            error.add_note(f"the traceback is in {directory / ERROR_FILE}")
        raise


@contextmanager
def delivering(directory: Path, record: dict[str, Any]) -> Iterator[list[Logger]]:
    """The loggers of a run, to be filled; they are told how it ended.

    What fails there is said in a line and hides nothing.

    :param record: of the run in the directory; learns its id in MLflow, which may be known only then.
    """
    loggers: list[Logger] = []
    try:
        yield loggers
    finally:
        for logger in loggers:
            with side_matter(f"{type(logger).__name__} did not end in good order"):
                if isinstance(logger, FolderLogger):
                    logger.end(record)
                else:
                    logger.finalize(ENDS.get(record.get("status", "failed"), "failed"))
        if (found := run_id(loggers)) not in (None, record.get("mlflow_run_id")) and read_run(directory):
            record["mlflow_run_id"] = found
            with side_matter("the run's id in MLflow is not in its record"):
                write_run(directory, record)


def run_id(loggers: Iterable[Logger]) -> str | None:
    """In MLflow, as soon as that is known."""
    return next((logger.run_id for logger in loggers if isinstance(logger, MLflowLogger)), None)
