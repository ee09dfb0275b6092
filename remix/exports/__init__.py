"""Policies that leave: files that decide as the agents do, without ReMIX."""
