"""ReMIX: cooperative multi-agent reinforcement learning with monotonic value factorisation."""

import os

# PyTorch's threads go on spinning for milliseconds after each operation, on the cores that the compiled
# passes and the environments then need. Has no effect if torch was imported before.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")
