"""Seeds for games that accept 32 bits only."""

from __future__ import annotations


def fold(seed: int) -> int:
    """``seed`` in 32 bits: unchanged if it fits, otherwise its two halves combined."""
    return (seed ^ (seed >> 32)) & 0xFFFFFFFF
