"""A run: its configuration, identity, record, checkpoints, training and evaluation."""
