"""Files of others, damaged or crafted to run code: none of it runs, and a line says what is wrong."""

from __future__ import annotations

import json
import os
import pickle
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import cache, partial
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

import torch
import yaml

from remix.cli import lightning as lightning_cli
from remix.envs.skirmish.fields import DATA
from remix.learning import archive
from tests.faults.cases import Case, refused
from tests.faults.commands import TINY, call

MARKER = "marker"
TOUCH = f"touch {MARKER}"
TRAINED = (*(word for word in TINY if word != "callbacks=none"), "callbacks.episode_video=null")
"""What the checkpoint comes from."""

FLIPS, CUTS, FUZZED = 12, 6, 12
"""Cases of each kind that is drawn at random."""

RUNNING: tuple[Any, ...] = (
    {"_target_": "os.system", "command": TOUCH},
    {"_target_": "subprocess.run", "_args_": [["touch", MARKER]]},
    {"_target_": "subprocess.Popen", "args": ["touch", MARKER]},
    {"_target_": "io.open", "_args_": [MARKER, "w"]},
    {"_target_": "pathlib.Path.touch", "_args_": [MARKER]},
    {"_target_": "builtins.exec", "_args_": [f"open('{MARKER}', 'w')"]},
    {"_target_": "builtins.eval", "_args_": [f"open('{MARKER}', 'w')"]},
    {"_target_": "shutil.copy", "_args_": ["bad.ckpt", MARKER]},
    {"_target_": "numpy.save", "_args_": [MARKER, [1]]},
    {"_target_": "torch.save", "_args_": [[1], MARKER]},
    {"_target_": "hydra.utils.call", "config": {"_target_": "os.system", "command": TOUCH}},
    {"_target_": "remix.learning.archive.write", "checkpoint": {}, "path": MARKER},
    {"_target_": "remix.envs.pettingzoo.PettingZoo", "id": "os:system", "options": {"command": TOUCH}},
    {"_target_": "remix.envs.pettingzoo.PettingZoo", "id": "pathlib:Path.touch", "options": {"self": MARKER}},
)
"""Nodes of a configuration that leave the marker when they are built."""

PLACES = ("env", "algorithm", "workers", "replay", "algorithm.optimizer", "algorithm.policy")


class Touching:
    """Leaves the marker when it is unpickled."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.system, (TOUCH,)


def cases(seed: int) -> list[Case]:
    random = Random(seed)
    return [
        *_damaged(random),
        *_crafted(),
        *_configurations(),
        *_maps(random),
        *_tables(random),
        *_plans(),
    ]


def _hostile(
    name: str,
    make: Callable[[], bytes],
    *words: str,
    main: Callable[[], None] | None = None,
    may_hold: bool = False,
) -> Callable[[Path], None]:
    """A check: with that file in the folder, the words are refused in one line and no code in it runs.

    :param may_hold: the file may also be as good as any.
    """

    def check(home: Path) -> None:
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(make())
        outcome = call(home, *words, **({} if main is None else {"main": main}))
        assert not (home / MARKER).exists(), "code in the file was run"
        if not (may_hold and outcome.code == 0):
            refused(outcome)

    return check


def _damaged(random: Random) -> Iterator[Case]:
    uses = (("evaluate", "bad.ckpt", "episodes=2"), ("train", *TINY, "ckpt_path=bad.ckpt"))

    def changed(change: Callable[[bytes], bytes]) -> Callable[[], bytes]:
        return lambda: change(_checkpoint())

    for number in range(FLIPS):
        place, bit = random.random(), 1 << random.randrange(8)
        check = _hostile("bad.ckpt", changed(partial(_flipped, place, bit)), *uses[number % 2])
        yield Case(f"checkpoint, bit {bit} flipped at {place:.4f}, {uses[number % 2][0]}", check)
    for number in range(CUTS):
        share = random.random()
        check = _hostile("bad.ckpt", changed(partial(_cut, share)), *uses[number % 2])
        yield Case(f"checkpoint, cut at {share:.4f}, {uses[number % 2][0]}", check)
    others = {
        "empty": lambda whole: b"",
        "a byte more": lambda whole: whole + b"\0",
        "a page of zeros inside": lambda whole: whole[:4096] + bytes(4096) + whole[8192:],
        "text": lambda whole: b"weights: 1\n",
        "a pickle that runs code": lambda whole: pickle.dumps(Touching()),
        "torch's pickle that runs code": lambda whole: _saved({"state_dict": Touching()}),
        "a zip archive": lambda whole: _zipped({"data.pkl": pickle.dumps(Touching())}),
        "compressed zeros": lambda whole: _zipped({"archive/data.pkl": bytes(50 << 20)}),
    }
    for name, change in others.items():
        yield Case(f"checkpoint, {name}", _hostile("bad.ckpt", changed(change), *uses[0]))


def _crafted() -> Iterator[Case]:
    for place in PLACES:
        for node in RUNNING:
            check = _hostile("bad.ckpt", partial(_naming, place, node), "evaluate", "bad.ckpt")
            yield Case(f"checkpoint, {place} is {_called(node)}", check)
    parts: dict[str, Any] = {
        "state_dict": None,
        "env_steps": "many",
        "hyper_parameters": {"config": "x"},
        "loops": {"fit_loop": 5},
        "callbacks": [1],
        "optimizer_states": [{"state": 5}],
    }
    for key, value in parts.items():
        words = ("train", *TRAINED, "ckpt_path=bad.ckpt")
        yield Case(f"start, {key} is {value}", _hostile("bad.ckpt", partial(_with, {key: value}), *words))


def _configurations() -> Iterator[Case]:
    def of(name: str, make: Callable[[], bytes]) -> Case:
        check = _hostile("evil.yaml", make, "fit", "--config", "evil.yaml", main=lightning_cli.main)
        return Case(f"configuration for Lightning, {name}", check)

    for node in RUNNING:
        arguments = {key: value for key, value in node.items() if not key.startswith("_")}
        for part in ("environment", "workers"):
            tree = {"data": {part: {"class_path": node["_target_"], "init_args": arguments}}}
            yield of(f"{part} is {_called(node)}", partial(_yaml, tree))
        algorithm = {"_target_": "remix.algorithms.vdac.VDAC"}
        yield of(f"env is {_called(node)}", partial(_yaml, {"env": node, "algorithm": algorithm}))
    for name, text in _yaml_bombs().items():
        yield of(name, partial(bytes, text, "latin-1"))
    broken = {"bytes": "\xff\xfe\0", "brackets": "a: [1", "deep": "a: " + "[" * 5_000, "cut": "a: ${b"}
    for name, text in broken.items():
        own = ("train", *TINY, "--config-dir", "own", "variant=evil")
        check = _hostile("own/variant/evil.yaml", partial(bytes, text, "latin-1"), *own)
        yield Case(f"variant of one's own, {name}", check)


def _maps(random: Random) -> Iterator[Case]:
    words = ("train", *TINY[1:], "env=smac", "env.map_name=evil.yaml")
    for name, text in _yaml_bombs().items():
        make = partial(bytes, text, "latin-1")
        yield Case(f"map, {name}", _hostile("evil.yaml", make, *words))
        check = _hostile("evil.yaml", make, *words[:-1], "env.profile=evil.yaml")
        yield Case(f"profile, {name}", check)
    whole = (DATA / "maps/3m.yaml").read_bytes()
    for _ in range(FUZZED):
        state = random.random()
        make = partial(_fuzzed, whole, state)
        yield Case(f"map, garbled ({state:.4f})", _hostile("evil.yaml", make, *words, may_hold=True))


def _tables(random: Random) -> Iterator[Case]:
    words = ("report", "evil.csv", "--output", "report")
    header = b"panel,variant,algorithm,seed,status,env_steps,score\n"
    line = b"p,v,a,1,finished,10,1.0\n"
    tables = {
        "empty": b"",
        "header only": header,
        "bytes": bytes(range(256)),
        "a column less": header[6:] + line[2:],
        "a quote open": header + b'"p,v,a,1,finished,10,1.0\n',
        "a cell less": header + line[2:],
        "seed is text": header + line.replace(b"1,fin", b"x,fin"),
        "no such status": header + b"p,v,a,1,x,1,1\n",
        "steps beyond count": header + b"p,v,a,1,finished,1e400,1\n",
        "a cell of megabytes": header + b"x" * 9_000_000,
        "zero bytes": header + b"p\0,v,a,1,finished,10,1.0\n",
        "not UTF-8": header + b"\xff,v,a,1,finished,10,1\n",
    }
    for name, table in tables.items():
        yield Case(f"table, {name}", _hostile("evil.csv", partial(bytes, table), *words))
    for _ in range(FUZZED):
        state = random.random()
        make = partial(_fuzzed, header + line * 5, state)
        yield Case(f"table, garbled ({state:.4f})", _hostile("evil.csv", make, *words, may_hold=True))


def _plans() -> Iterator[Case]:
    words = ("train", "-m", *TINY, "study=custom", "study.name=evil", "seed=1")
    job = {"panel": "p", "variant": "v", "algorithm": "a", "identity": "i", "seed": 1}
    about = {"study": "evil", "title": "t", "metric": "m", "score": "s"}
    jobs: dict[str, Any] = {
        "jobs are text": "x",
        "a job is a number": [1],
        "seed is text": [job | {"seed": "1"}],
        "seed is negative": [job | {"seed": -1}],
        "a name of two lines": [job | {"variant": "a\nb"}],
        "the same job twice": [job, job],
    }
    plans: dict[str, Any] = {name: about | {"jobs": listed} for name, listed in jobs.items()}
    plans |= {"a list": [], "no jobs": about, "title is a list": about | {"title": [1], "jobs": []}}
    texts = {name: json.dumps(plan) for name, plan in plans.items()}
    texts |= {"cut": '{"study": "evil", "jobs": [', "deep": "[" * 100_000, "empty": "", "bytes": "\xff\xfe\0"}
    for name, text in texts.items():
        make = partial(bytes, text, "latin-1")
        yield Case(f"plan of a study, {name}", _hostile("runs/studies/evil/plan.json", make, *words))


def _yaml_bombs() -> dict[str, str]:
    levels = "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 10))
    return {
        "a tag that runs code": f"env: !!python/object/apply:os.system ['{TOUCH}']\n",
        "an object's tag": "env: !!python/name:os.system\n",
        "an anchor bomb": f"a0: &a0 [x, x]\n{levels}episode_limit: *a9\n",
        "an endless anchor": "a: &a [*a]\nepisode_limit: *a\n",
        "deep brackets": "a: " + "[" * 5_000,
        "bytes": "".join(map(chr, range(256))),
        "no mapping": "- 1\n- 2\n",
        "an open reference": "env: ${oc.env:HOME\n",
    }


@cache
def _checkpoint() -> bytes:
    """Of a short run, with its replay."""
    with tempfile.TemporaryDirectory() as home:
        outcome = call(Path(home), "train", *TRAINED, "run_dir=runs/x")
        assert outcome.code == 0, outcome.end
        return (Path(home) / "runs/x/checkpoints/last.ckpt").read_bytes()


def _with(parts: dict[str, Any]) -> bytes:
    """The checkpoint with other parts, sealed as if it were the product's own; None leaves one out."""
    content = torch.load(BytesIO(_checkpoint()), weights_only=True) | parts
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.ckpt"
        archive.write({key: value for key, value in content.items() if value is not None}, path)
        return path.read_bytes()


def _naming(place: str, node: Any) -> bytes:
    """The checkpoint with another node in its configuration."""
    parameters = deepcopy(torch.load(BytesIO(_checkpoint()), weights_only=True)["hyper_parameters"])
    parent = parameters["config"]
    *above, name = place.split(".")
    for part in above:
        parent = parent[part]
    parent[name] = node
    return _with({"hyper_parameters": parameters})


def _called(node: dict[str, Any]) -> str:
    return str(node.get("id", node["_target_"]))


def _flipped(place: float, bit: int, whole: bytes) -> bytes:
    at = int(place * len(whole))
    return whole[:at] + bytes([whole[at] ^ bit]) + whole[at + 1 :]


def _cut(share: float, whole: bytes) -> bytes:
    return whole[: int(share * len(whole))]


def _fuzzed(whole: bytes, state: float) -> bytes:
    """Some lines left out, doubled or with other signs."""
    random = Random(state)
    lines = whole.splitlines(keepends=True)
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(lines))
        line = lines[at]
        place = random.randrange(max(1, len(line)))
        sign = random.choice([b"-", b"9" * 30, b"nan", b":", b"[", b'"', b"\t", b"\xc3", b"*", b"=1+1", b""])
        lines[at] = random.choice([b"", line * 2, line[:place] + sign + line[place + 1 :]])
    return b"".join(lines)


def _saved(content: Any) -> bytes:
    file = BytesIO()
    torch.save(content, file)
    return file.getvalue()


def _zipped(members: dict[str, bytes]) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as members_of:
        for name, content in members.items():
            members_of.writestr(name, content)
    return file.getvalue()


def _yaml(tree: Any) -> bytes:
    return yaml.safe_dump(tree).encode()
