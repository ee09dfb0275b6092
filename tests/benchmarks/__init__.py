"""Speed and memory in the paper's setting, measured, never asserted: ``make bench``."""
