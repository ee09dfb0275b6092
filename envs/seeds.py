"""Seeds for games that take shorter ones than ours."""

from __future__ import annotations


def fold(seed: int) -> int:
    """``seed`` in 32 bits: itself where it fits, its halves combined otherwise."""
    return (seed ^ (seed >> 32)) & 0xFFFFFFFF
