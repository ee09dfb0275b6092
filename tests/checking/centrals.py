"""What can be wrong with a Q*."""

from __future__ import annotations

from torch import nn

from remix.networks.central import CentralQ


class HasNoLayers(CentralQ):
    """For the methods that it leaves to the class above."""

    def __init__(self, spec, input_size, **settings):
        nn.Module.__init__(self)
