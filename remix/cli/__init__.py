"""The command line. Nothing heavy is imported before a command needs it."""

from remix.cli.command import main

__all__ = ["main"]
