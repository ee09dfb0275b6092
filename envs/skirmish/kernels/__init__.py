"""Compiled rules of the battles."""
