"""MLflow: the store of runs, what a run records, and the way back from a run to its checkpoint.

Importing this costs nothing; MLflow is loaded by the first function that needs it.
"""

from remix.tracking.runs import download_checkpoint, flatten, origin, run_parameters, run_tags
from remix.tracking.ui import ui

__all__ = ["download_checkpoint", "flatten", "origin", "run_parameters", "run_tags", "ui"]
