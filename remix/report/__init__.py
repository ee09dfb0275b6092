"""The statistical report of a study: tables, figures and a page, from any MLflow store or from a CSV file.

Importing this costs nothing; MLflow, SciPy and Matplotlib are loaded by the first function that needs them.
"""

from remix.report.command import report

__all__ = ["report"]
