"""Hyper-parameter search: trials proposed by Optuna, each an ordinary run, all of them under one name.

Importing this costs nothing; Optuna and PyTorch are loaded by the first search.
"""

from remix.studies.search.command import search

__all__ = ["search"]
