"""Mixers, one file each: from the agents' utilities to the joint action value."""
