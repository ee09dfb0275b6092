"""Algorithms: Lightning modules, one file per family."""
