"""A policy as a traced program and as ONNX, for any number of agents at once."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from remix.learning.policy import Policy

OUTPUTS = {
    "action": ["agents"],
    "probability": ["agents"],
    "values": ["agents", "actions"],
    "next_hidden": ["agents", "hidden"],
}
"""What comes out, with the axes of each; ``values`` are utilities or logits."""

Arrays = Mapping[str, NDArray[Any]]
Decide = Callable[[Arrays], Arrays]
"""What an exported policy answers to its inputs, both by name."""


class Agent(nn.Module):
    """The decision of agents at one time step, with all that :meth:`Policy.forward` takes in one place.

    :param exploration: None for the best actions, which take no noise.
    """

    def __init__(self, policy: Policy, exploration: float | None) -> None:
        super().__init__()
        self.policy, self.exploration = policy, exploration

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        return self.policy(*inputs, exploration=self.exploration)

    def inputs(self) -> dict[str, Tensor]:
        """An example of the inputs of some agents, by their names."""
        policy, rows = self.policy, 3
        inputs = {
            "obs": torch.zeros(rows, policy.inputs.obs_size),
            "last_action": torch.full((rows,), -1),
            "avail_actions": torch.ones(rows, policy.n_actions, dtype=torch.bool),
            "hidden": torch.zeros(rows, policy.agent.hidden_size),
            "agent": torch.zeros(rows, dtype=torch.int64),
        }
        return inputs if self.exploration is None else {**inputs, "noise": torch.zeros(rows, 2)}


def write(agent: Agent, folder: Path) -> None:
    """Write ``policy.pt2`` and ``policy.onnx``; both hold no names of this machine's files."""
    inputs = agent.inputs()
    some = torch.export.Dim("agents")
    with _quietly():
        # The axis is that of a variadic argument, so that the specification is one of a tuple.
        shapes = (tuple({0: some} for _ in inputs),)
        program = torch.export.export(agent.eval(), tuple(inputs.values()), dynamic_shapes=shapes)
        for node in program.graph.nodes:
            node.meta.pop("stack_trace", None)
        torch.export.save(program, folder / "policy.pt2")
        converted = torch.onnx.export(
            program, dynamo=True, verbose=False, input_names=list(inputs), output_names=list(OUTPUTS)
        )
        assert converted is not None
        for operation in converted.model.graph:
            operation.metadata_props.clear()
        converted.save(folder / "policy.onnx", external_data=False)


def onnx(folder: Path) -> Decide:
    """What ``policy.onnx`` decides."""
    from onnxruntime import InferenceSession

    session = InferenceSession(folder / "policy.onnx", providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda inputs: dict(zip(names, session.run(None, dict(inputs)), strict=True))


def program(folder: Path) -> Decide:
    """What ``policy.pt2`` decides."""
    with _quietly():
        module = torch.export.load(folder / "policy.pt2").module()

    def decide(inputs: Arrays) -> Arrays:
        with torch.no_grad():
            outputs = module(*(torch.from_numpy(np.ascontiguousarray(array)) for array in inputs.values()))
        return {name: output.numpy() for name, output in zip(OUTPUTS, outputs, strict=True)}

    return decide


@contextmanager
def _quietly() -> Iterator[None]:
    """Within, PyTorch keeps to itself what is of use to its own developers."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), redirect_stderr(StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
