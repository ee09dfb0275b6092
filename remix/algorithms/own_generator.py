"""What algorithms share that draw random numbers when they learn."""

from __future__ import annotations

from typing import Any

import torch

from remix.algorithms.base import MultiAgentModule


class OwnGenerator(MultiAgentModule):
    """A base beside that of the method, and before it, which owns the ``generator`` to draw from.

    It is on the CPU and apart from all other draws: the numbers are the same on every device, and after a
    resumption.
    """

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.generator = torch.Generator()

    def setup(self, stage: str) -> None:
        if stage == "fit":
            # A checkpoint is restored after this.
            self.generator.manual_seed(self.trainer.datamodule.seed)  # type: ignore[attr-defined]

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        super().on_save_checkpoint(checkpoint)
        checkpoint["generator"] = self.generator.get_state()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        super().on_load_checkpoint(checkpoint)
        self.generator.set_state(checkpoint["generator"].cpu())
