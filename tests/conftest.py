"""Fixtures that all tests share."""

import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    """Tests run side by side; more threads in each would only get in each other's way."""
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _torch_seed():
    """Every test starts from the same random state, whatever ran before."""
    torch.manual_seed(1)
