"""Environments: batched, seeded per episode, with no knowledge of learning."""
