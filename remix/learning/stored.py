"""What an episode has to be before it is stored, and what is stored before it is read again.

Compiled code reads stored episodes without looking where it reads. What the product wrote itself can be
trusted; an episode of somebody's own making and a replay from a file cannot.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import DTypeLike, NDArray
from torch import Tensor

from remix.envs.spec import EnvSpec
from remix.learning.episodes import Episode
from remix.learning.packing import Arrays


def check_episode(episode: Episode, spec: EnvSpec) -> None:
    """Refuse an episode whose arrays have other shapes or types than the environment declares.

    :raises ValueError: naming the field.
    """
    length, n = episode.length, spec.n_agents
    if length < 1:
        raise ValueError("the episode has no transition")
    _check_form("obs", episode.obs, spec.obs_dtype, (length + 1, n, spec.obs_size))
    _check_form("state", episode.state, spec.state_dtype, (length + 1, spec.state_size))
    if spec.state_from_obs and not np.array_equal(episode.state, episode.obs.reshape(length + 1, -1)):
        raise ValueError("state is not the observations end to end, as the environment's spec has it")
    _check_form("avail_actions", episode.avail_actions, "bool", (length + 1, n, spec.n_actions))
    _check_form("actions", episode.actions, episode.actions.dtype, (length, n))
    _check_form("behaviour", episode.behaviour, episode.behaviour.dtype, (length, n))
    if spec.individual_rewards:
        if episode.individual_rewards is None:
            raise ValueError("individual_rewards are missing, which the environment's spec has")
        _check_form("individual_rewards", episode.individual_rewards, "float32", (length, n))


def check_stored(arrays: Arrays, spec: EnvSpec, behaviour: bool, individual_rewards: bool = False) -> None:
    """Refuse a stored episode that does not fit the environment, or that can never have been played.

    :param behaviour: whether the probabilities of the actions have to be there.
    :param individual_rewards: whether the agents' own rewards have to be there.
    :raises ValueError: naming the field, as the rest of a sentence that begins "a replay whose".
    """
    length, n = len(arrays["reward"]), spec.n_agents
    if length < 1:
        raise ValueError("reward has no transition")
    actions_type = "uint8" if spec.n_actions <= 256 else "int32"
    forms: dict[str, tuple[str, tuple[int, ...]]] = {
        "avail_actions": ("uint8", (length + 1, n, _bytes(spec.n_actions))),
        "actions": (actions_type, (length, n)),
        "reward": ("float32", (length,)),
        "terminated": ("bool", (length,)),
    }
    if behaviour:
        forms["behaviour"] = ("float32", (length, n))
    if individual_rewards:
        forms["individual_rewards"] = ("float32", (length, n))
    for name, (kind, shape) in forms.items():
        _check_form(name, arrays[name], kind, shape)
    _check_features("obs", arrays, spec.obs_dtype, (length + 1, n, spec.obs_size))
    if not spec.state_from_obs:
        _check_features("state", arrays, spec.state_dtype, (length + 1, spec.state_size))
    _check_played(arrays, spec)


def episodes_of(
    state: dict[str, Any], spec: EnvSpec, behaviour: bool, individual_rewards: bool = False
) -> list[Arrays]:
    """The stored episodes of a replay's ``state_dict``, each of them checked.

    :raises ValueError: as :func:`check_stored`.
    """
    fields, sizes = _in_current_layout(state["fields"], state["sizes"], spec)
    if not fields and not sizes:
        return []
    names = field_names(spec, behaviour, individual_rewards)
    if wrong := (fields.keys() ^ sizes.keys()) | (fields.keys() ^ names):
        raise ValueError(f"fields are those of another version or environment ({', '.join(sorted(wrong))})")
    columns = {name: _cut(name, fields[name], sizes[name]) for name in fields}
    if len({len(parts) for parts in columns.values()}) > 1:
        raise ValueError("fields have different numbers of episodes")
    episodes = [
        {name: part.copy() for name, part in zip(columns, parts, strict=True)}
        for parts in zip(*columns.values(), strict=True)
    ]
    for arrays in episodes:
        check_stored(arrays, spec, behaviour, individual_rewards)
    return episodes


def field_names(spec: EnvSpec, behaviour: bool, individual_rewards: bool = False) -> set[str]:
    """Names of the arrays of a stored episode."""
    names = {"avail_actions", "actions", "reward", "terminated"} | ({"behaviour"} if behaviour else set())
    names |= {"individual_rewards"} if individual_rewards else set()
    features = {"obs": spec.obs_dtype} | ({} if spec.state_from_obs else {"state": spec.state_dtype})
    for name, kind in features.items():
        names |= {name} if kind == "bool" else {f"{name}_{part}" for part in ("ones", "others", "values")}
    return names


def _in_current_layout(
    fields: dict[str, Any], sizes: dict[str, Any], spec: EnvSpec
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields as this release stores them.

    Release 0.1 kept a state that is the observations end to end, and bytes as float32.
    """
    if spec.state_from_obs:
        fields, sizes = (
            {name: it for name, it in columns.items() if not name.startswith("state")}
            for columns in (fields, sizes)
        )
    bytes_of = {"obs_values": spec.obs_dtype == "uint8", "state_values": spec.state_dtype == "uint8"}
    for name, field in fields.items():
        floating = isinstance(field, Tensor) and field.dtype == torch.float32
        if floating and bytes_of.get(name) and torch.equal(field.byte().float(), field):
            fields = fields | {name: field.byte()}
    return fields, sizes


def _cut(name: str, field: Tensor, sizes: Tensor) -> list[NDArray[Any]]:
    """Divide a field, in which one episode follows the other, into parts of these sizes."""
    whole = isinstance(field, Tensor) and isinstance(sizes, Tensor) and sizes.dtype == torch.int64
    if not whole or field.dim() < 1 or sizes.dim() != 1 or int(sizes.min()) < 0:
        raise ValueError(f"{name} is no tensor with sizes of episodes")
    if int(sizes.sum()) != len(field):
        raise ValueError(f"{name} has {len(field)} rows, not the {int(sizes.sum())} of its episodes")
    return np.split(field.numpy(), sizes.cumsum(0)[:-1].numpy())


def _check_form(name: str, array: NDArray[Any], kind: DTypeLike, shape: tuple[int, ...]) -> None:
    if array.dtype != kind or array.shape != shape:
        found, wanted = (f"{np.dtype(d)} {list(s)}" for d, s in ((array.dtype, array.shape), (kind, shape)))
        raise ValueError(f"{name} is {found}, not {wanted}")


def _check_features(name: str, arrays: Arrays, kind: str, shape: tuple[int, ...]) -> None:
    if kind == "bool":
        _check_form(name, arrays[name], "uint8", (*shape[:-1], _bytes(shape[-1])))
        _check_padding(name, arrays[name], shape[-1])
        return
    ones, others, values = (arrays[f"{name}_{part}"] for part in ("ones", "others", "values"))
    width = math.prod(shape[1:])
    if not len(ones) and not len(others):  # all numbers are among the values
        shape, n_values = (0, *shape[1:]), shape[0] * width
    else:
        n_values = int(np.bitwise_count(others).sum(dtype=np.int64))
    for part, bits in (("ones", ones), ("others", others)):
        _check_form(f"{name}_{part}", bits, "uint8", (shape[0], _bytes(width)))
        _check_padding(f"{name}_{part}", bits, width)
    if np.bitwise_and(ones, others).any():
        raise ValueError(f"{name}_ones and {name}_others overlap")
    _check_form(f"{name}_values", values, kind, (n_values,))
    _check_finite(f"{name}_values", values)


def _check_padding(name: str, bits: NDArray[np.uint8], width: int) -> None:
    """Refuse bits beyond the last column: they would be taken for inputs."""
    if width % 8 and (bits[..., -1] & np.uint8(0xFF >> width % 8)).any():
        raise ValueError(f"{name} has ones beyond its {width} columns")


def _check_finite(name: str, numbers: NDArray[Any]) -> None:
    if not np.isfinite(numbers).all():
        raise ValueError(f"{name} holds numbers that are not finite")


def _check_played(arrays: Arrays, spec: EnvSpec) -> None:
    """Refuse actions that were not available, and rewards and probabilities that are no valid numbers."""
    available, actions = arrays["avail_actions"], arrays["actions"]
    _check_padding("avail_actions", available, spec.n_actions)
    if not available.any(-1).all():
        raise ValueError("avail_actions leaves an agent without any action")
    if actions.min() < 0 or actions.max() >= spec.n_actions:
        raise ValueError(f"actions lie outside of 0 to {spec.n_actions - 1}")
    taken = np.take_along_axis(available[:-1], (actions >> 3)[..., None].astype(np.intp), -1)[..., 0]
    if not (taken & (128 >> (actions & 7))).all():
        raise ValueError("actions were not all available")
    for name in arrays.keys() & {"reward", "individual_rewards"}:
        _check_finite(name, arrays[name])
    if arrays["terminated"][:-1].any():
        raise ValueError("terminated is set before the last transition")
    if "behaviour" in arrays and not ((arrays["behaviour"] > 0.0) & (arrays["behaviour"] <= 1.0)).all():
        raise ValueError("behaviour holds numbers that are no probabilities above 0")


def _bytes(columns: int) -> int:
    """The number of bytes that hold so many bits."""
    return -(-columns // 8)
