"""Speed and memory in the paper's setting, measured, never asserted: ``make bench``."""

import remix  # noqa: F401  # sets the threads' waiting before torch is loaded
