"""Every algorithm as it is configured: composed, trained, resumed, swept."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from importlib.resources import files
from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig

import remix
from remix.algorithms.base import MultiAgentModule
from remix.callbacks.checkpointing import AtomicCheckpointIO, LastCheckpoint
from remix.checking.kinds import check as check_part
from remix.checking.recording import Recorder
from remix.runs.budget import check_budget
from remix.runs.building import build, quiet
from remix.runs.config import check, check_arguments, plain
from remix.settings.errors import SettingError
from tests.command_line import SMALL, CommandLine

ALGORITHMS = sorted(
    file.name.removesuffix(".yaml")
    for file in (files("remix.conf") / "algorithm").iterdir()
    if file.name.endswith(".yaml") and not file.name.startswith("_")
)

METHODS = [name for name in ALGORITHMS if not name.endswith("_official") and not name.startswith("remix_")]
"""Those that are no other settings of another."""

OWN_AGENT = "+algorithm.policy.agent={_target_:tests.checking.agents.Reactive,_partial_:true}"

REMIX_ON = [
    f"{remix} algorithm/mixer={mixer}"
    for remix in ("remix", "remix_both")
    for mixer in ("vdn", "qplex", "qatten", "linear")
]
"""ReMIX's weights on other factorisations."""

UNSHARED = [
    "qmix algorithm.policy.shared=false",
    "mappo algorithm.policy.shared=false algorithm.minibatches=2",
]
"""A network for each agent."""

DRAWING = ["remix", "mappo algorithm.minibatches=2", "fop"]
"""One of every kind that draws random numbers when it learns: episodes, minibatches or actions."""

WEIGHTINGS = sorted(
    file.name.removesuffix(".yaml")
    for file in (files("remix.conf") / "algorithm/weighting").iterdir()
    if file.name.endswith(".yaml")
)

QUICK = ("replay.episodes_per_round=4", "replay.latest_size=4")


@pytest.fixture(autouse=True)
def _quiet() -> None:
    quiet()


def composed(algorithm: str, *overrides: str) -> DictConfig:
    """The configuration of ``algorithm=...`` on a small Predator-Prey."""
    return deepcopy(_composed(algorithm, *overrides))


@cache
def _composed(algorithm: str, *overrides: str) -> DictConfig:
    line = f"algorithm={algorithm}".split()
    return remix.compose(*SMALL, *QUICK, *line, "run_dir=x", *overrides)


def train(
    config: DictConfig, directory: Path, max_epochs: int = -1, checkpoint: Path | None = None
) -> tuple[MultiAgentModule, Recorder]:
    """A run as configured, with a checkpoint at the end of every epoch."""
    pl.seed_everything(config.seed, verbose=False)
    module, data = build(config)
    recorder = Recorder()
    trainer = instantiate(
        config.trainer,
        max_epochs=max_epochs,
        logger=recorder,
        callbacks=[LastCheckpoint(directory)],
        plugins=[AtomicCheckpointIO()],
        default_root_dir=str(directory),
        _convert_="all",
    )
    trainer.fit(module, data, ckpt_path=checkpoint, weights_only=True)
    return module, recorder


@pytest.mark.parametrize("algorithm", [*ALGORITHMS, *REMIX_ON])
def test_it_composes_and_fits_its_signatures(algorithm: str):
    config = composed(algorithm)
    check(config)
    check_arguments(plain(config))


@pytest.mark.parametrize("algorithm", [*METHODS, *REMIX_ON[1:4:2], *UNSHARED])
def test_it_keeps_the_contract(algorithm: str):
    """Also: a resumed run equals an uninterrupted one, to the last bit."""
    report = check_part(composed(algorithm))
    assert set(report.not_checked) <= {"its_weights_can_be_drawn", "a_gpu_trains_alike"}


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_every_weighting_keeps_the_contract(weighting: str):
    check_part(composed(f"remix algorithm/weighting={weighting}").algorithm.weighting)


@pytest.mark.parametrize(
    ("algorithm", "central"), [("vdn", False), ("qmix", False), ("ow_qmix", True), ("cw_qmix", True)]
)
def test_the_official_recipe_of_weighted_qmix(algorithm: str, central: bool):
    """The numbers of the authors' published configuration."""
    config = remix.compose(f"algorithm={algorithm}_official")
    node, replay = config.algorithm, config.replay
    assert (node.optimizer._target_, node.optimizer.lr) == ("torch.optim.RMSprop", 5e-4)
    assert (node.optimizer.alpha, node.optimizer.eps) == (0.99, 1e-5)
    assert (node.gamma, node.td_lambda, node.loss_factor) == (0.99, 0.0, 1.0)
    assert (node.epsilon.start, node.epsilon.end, node.epsilon.steps) == (1.0, 0.05, 50_000)
    assert (node.target_update_episodes, replay.episodes_per_round, replay.batch_size) == (200, 1, 32)
    assert (node.central is not None) is central
    if central:
        assert node.central_loss_factor == 1.0


@pytest.mark.parametrize(
    ("algorithm", "experiment"),
    [
        *((name, "small") for name in METHODS),
        *((name, "quickstart") for name in ("dop", "fop", "mappo", "pqn_vdn")),
    ],
)
def test_it_goes_with_the_experiments(algorithm: str, experiment: str):
    """Whose smaller batches leave on-policy algorithms their rounds."""
    config = remix.compose(f"algorithm={algorithm}", f"experiment={experiment}")
    check(config)
    check_budget(config)


def test_remix_as_printed():
    config = remix.compose("algorithm=remix_printed")
    assert config.algorithm.weighting.warmup_steps == 0
    assert config.algorithm.epsilon.start == 0.995
    assert (config.replay.capacity, config.replay.batch_size) == (10_000, 128)


@pytest.mark.parametrize("algorithm", DRAWING)
def test_only_the_seed_decides_whatever_a_game_does_with_global_generators(algorithm: str, tmp_path: Path):
    """Networks, what is played and drawn and logged; also in a run that goes on in another process.

    That all other algorithms leave the global generators alone is a part of the contract above.
    """
    short = ("max_env_steps=200", "steps_per_epoch=100")
    meddling = "env._target_=tests.meddling.MeddlingPredatorPrey"
    innocent, expected = train(composed(algorithm, *short), tmp_path / "innocent")
    whole, logged = train(composed(algorithm, *short, meddling), tmp_path / "meddling")
    assert innocent.updates == whole.updates >= 4
    assert repr(logged.rows) == repr(expected.rows)  # NaN equals NaN there
    assert equal_weights(whole, innocent)

    train(composed(algorithm, *short, meddling), tmp_path / "resumed", max_epochs=1)
    resumed, _ = train(
        composed(algorithm, *short, meddling), tmp_path / "resumed", checkpoint=tmp_path / "resumed/last.ckpt"
    )
    assert equal_weights(resumed, innocent)

    one, same, other = (
        build(composed(algorithm, f"seed={seed}", *game))[0]
        for seed, game in ((1, [meddling]), (1, []), (2, [meddling]))
    )
    assert equal_weights(one, same) and not equal_weights(one, other)


def equal_weights(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    """To the last bit."""
    theirs = other.state_dict()
    return all(torch.equal(value, theirs[name]) for name, value in one.state_dict().items())


# Both agents next to a prey catch it together; random play hardly ever does.
LEARNABLE = (
    "env.episode_limit=20", "replay.batch_size=32", "replay.episodes_per_round=8", "replay.latest_size=8",
    "algorithm.epsilon.steps=3000", "max_env_steps=9_000", "steps_per_epoch=9_000",
)  # fmt: skip


PACE = {
    "fop": ["replay.episodes_per_round=2"],
    "mappo": ["algorithm.entropy_factor=0.1"],  # with less it may stop to try
    "pow_qmix": ["algorithm.weighting.warmup_steps=3000"],
    "pqn_qmix": ["algorithm.optimizer.lr=0.001"],
    "qtran": ["max_env_steps=14_000", "steps_per_epoch=14_000"],
}


# IPPO is MAPPO with another critic, PQN-VDN is PQN-QMIX with another mixer. And where nothing makes the best
# actions of the agents the best together, whether that learns in so few steps is chance.
LEARNING = [name for name in METHODS if name not in ("ippo", "pqn_vdn", "nonmonotonic")]


@pytest.mark.parametrize("algorithm", LEARNING)
def test_it_learns_to_catch_prey(algorithm: str, tmp_path: Path):
    pace = PACE.get(algorithm, [])
    config = composed(algorithm, "env.punishment=0", *LEARNABLE, "algorithm.policy.hidden_size=64", *pace)
    _, recorder = train(config, tmp_path)
    returns = [value for _, value in recorder.history("train/return")]
    quarter = len(returns) // 4
    first, last = returns[:quarter], returns[-quarter:]
    assert sum(last) / quarter > sum(first) / quarter + 1.0, returns


def check_and_build(config: DictConfig) -> None:
    """What a command does before it trains."""
    check(config)
    check_arguments(plain(config))
    build(config)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "algorithm=qplex algorithm.mixer.n_heads=0",
            "algorithm.mixer.n_heads=0: must be a whole number of at least 1",
        ),
        (
            "algorithm=dop algorithm.critic.hidden_size=0",
            "algorithm.critic.hidden_size=0: must be a whole number",
        ),
        ("algorithm=dop algorithm/mixer=qmix", "algorithm.mixer=QMixer: must be LinearMixer"),
        ("algorithm=vdac_sum algorithm/mixer=qplex", "algorithm.mixer=QPLEXMixer: must mix values of states"),
        (
            "algorithm=qmix algorithm/weighting=recognised",
            "algorithm.weighting=Recognised: needs recognised_gap",
        ),
        ("algorithm=mappo algorithm.critic.sees=all", "algorithm.critic.sees=all: must be one of own, state"),
        ("algorithm=pqn_vdn algorithm.policy.agent.n_layers=0", "algorithm.policy.agent.n_layers=0: must be"),
        ("algorithm=vdac_sum workers.overlap=true", "workers.overlap=True: must be false: VDAC"),
        (
            "algorithm=iql algorithm._target_=tests.checking.algorithms.HasNoLoss",
            "algorithm._target_=tests.checking.algorithms.HasNoLoss: is not complete: it must have loss",
        ),
        (
            "algorithm=vdac_sum algorithm.policy._target_=remix.learning.policy.StochasticPolicy",
            "algorithm.policy=StochasticPolicy: must have extra_outputs=1, has 0",
        ),
        (
            "algorithm=mappo algorithm.policy._target_=remix.learning.policy.ActorCriticPolicy",
            "algorithm.policy=ActorCriticPolicy: must have extra_outputs=0, has 1",
        ),
        (
            f"algorithm=qtran {OWN_AGENT}",
            "algorithm.policy.agent=Reactive: must have a with_hidden(inputs, b",
        ),
        (
            f"algorithm=qtran algorithm.policy.shared=false {OWN_AGENT}",
            "algorithm.policy.agent=Reactive: must have a with_hidden(inputs, b",
        ),
        (f"algorithm=mappo {OWN_AGENT}", "algorithm.policy.agent=Reactive: must have heads: "),
        (
            f"algorithm=ippo algorithm.policy.shared=false {OWN_AGENT}",
            "algorithm.policy.agent=Reactive: must have heads: ",
        ),
        (
            f"algorithm=qmix {OWN_AGENT.replace('Reactive', 'HasNoSize')}",
            "algorithm.policy.agent=HasNoSize: must have a hidden_size",
        ),
        (
            f"algorithm=qmix {OWN_AGENT.replace('Reactive', 'TakesNoMemory')}",
            "algorithm.policy.agent=TakesNoMemory: trying it raised TypeError: ",
        ),
        (
            f"algorithm=qmix {OWN_AGENT.replace('_partial_:true', '_partial_:false')}",
            "algorithm.policy.agent._partial_=False: must be true: tests.checking.agents.Reactive gets",
        ),
        (
            f"algorithm=qmix {OWN_AGENT.replace('_partial_:true', '_partial_:true,hidden_size:3')}",
            "algorithm.policy.agent.hidden_size=3: unknown setting; tests.checking.agents.Reactive has none",
        ),
        (
            f"algorithm=pqn_vdn {OWN_AGENT}",
            "algorithm.policy.agent.n_layers=1: unknown setting; tests.checking.agents.Reactive has none"
            "; leave it out with '~algorithm.policy.agent.n_layers'",
        ),
        (
            "algorithm=qfix algorithm.mixer.inner._target_=tests.checking.mixers.makes_no_mixer",
            "algorithm.mixer.inner=NoMixer: must be a Mixer",
        ),
        (
            "algorithm=remix ~algorithm.weighting.mapping.kappa "
            "algorithm.weighting.mapping._target_=tests.checking.weightings.makes_none",
            "algorithm.weighting.mapping=Weights: must be a Mapping",
        ),
        (
            "algorithm=vdn algorithm.mixer._target_=tests.checking.mixers.makes_no_mixer",
            "algorithm.mixer=NoMixer: must be a Mixer",
        ),
        (
            "algorithm=pqn_vdn algorithm.mixer._target_=tests.checking.mixers.WantsTheMoon",
            "algorithm.mixer=WantsTheMoon: requires moon, must be among actions, maxima, obs",
        ),
        (
            "algorithm=vdn algorithm.mixer._target_=tests.checking.mixers.KeepsAnAxis",
            "algorithm.mixer=KeepsAnAxis: gives values of the shape [2, 1] for 2 rows, must be of [2]",
        ),
        (
            "algorithm=pqn_vdn algorithm.mixer._target_=tests.checking.mixers.TakesNoContext",
            "algorithm.mixer=TakesNoContext: trying it raised TypeError: ",
        ),
        (
            "algorithm=ow_qmix algorithm.central._target_=tests.checking.centrals.HasNoLayers",
            "algorithm.central=HasNoLayers: trying it raised AttributeError: 'HasNoLayers' object has no",
        ),
        *(
            (
                f"algorithm={algorithm} algorithm.{setting}._target_=tests.checking.centrals.{name}",
                f"algorithm.{setting}={name}: trying it raised AttributeError: '{name}' object has no",
            )
            for algorithm, setting, name in (
                ("dop", "critic", "CriticHasNoLayers"),
                ("mappo", "critic", "ValueCriticHasNoLayers"),
                ("pow_qmix", "recogniser", "RecogniserHasNoLayers"),
            )
        ),
        (
            "algorithm=vdn algorithm.mixer._target_=tests.checking.mixers.Quits",
            "algorithm.mixer=Quits: trying it raised SystemExit: 3 (mixers.py, line ",
        ),
        (
            "algorithm=dop algorithm.critic._target_=tests.checking.centrals.GivesNoTensor",
            "algorithm.critic=GivesNoTensor: gives values that are no tensor",
        ),
        (
            "algorithm=dop algorithm.critic._target_=tests.checking.centrals.KeepsAnAxis",
            "algorithm.critic=KeepsAnAxis: gives values of the shape [4, 6, 1] for 4 rows, must be of [4, 6]",
        ),
        (
            "algorithm=qmix algorithm.weighting._target_=tests.checking.weightings.HasNoRange",
            "algorithm.weighting=HasNoRange: has no min_weight and max_weight, must call super",
        ),
        (
            "algorithm=qmix algorithm.weighting._target_=tests.checking.weightings.makes_none",
            "algorithm.weighting=Weights: must be a Weighting",
        ),
        (
            "algorithm=qmix algorithm.weighting._target_=tests.checking.weightings.ListsWhatItNeeds",
            "algorithm.weighting=ListsWhatItNeeds: must have a set of names in requires",
        ),
    ],
)
def test_a_mistake_is_told_with_the_full_name_of_the_setting(
    line: str, message: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)  # where less of networks is tried
    monkeypatch.setattr("remix.runs.sources.changed", lambda config: None)  # it would read all of our tests
    config = remix.compose(*SMALL, "run_dir=x", *line.split())
    with pytest.raises(SettingError) as refused:
        check_and_build(config)
    assert str(refused.value).startswith(message)
    assert len(str(refused.value).splitlines()) == 1


def test_where_there_is_a_gpu_parts_may_need_it_but_shapes_are_those_of_the_cpu(
    monkeypatch: pytest.MonkeyPatch,
):
    """A part that cannot compute on the CPU is built; what is played is tried there in any case."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr("remix.runs.sources.changed", lambda config: None)

    def built(*words: str) -> None:
        check_and_build(remix.compose(*SMALL, "run_dir=x", *words))

    built("algorithm=ow_qmix", "algorithm.central._target_=tests.checking.centrals.HasNoLayers")
    with pytest.raises(SettingError, match=r"^algorithm\.mixer=KeepsAnAxis: gives values of the shape"):
        built("algorithm=vdn", "algorithm.mixer._target_=tests.checking.mixers.KeepsAnAxis")
    with pytest.raises(SettingError, match=r"^algorithm\.policy\.agent=TakesNoMemory: trying it raised"):
        built("algorithm=qmix", *OWN_AGENT.replace("Reactive", "TakesNoMemory").split())


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("algorithm=dop trainer.gradient_clip_val=5", "trainer.gradient_clip_val=5: must be null"),
        (
            f"algorithm=qmix {OWN_AGENT.replace('Reactive', 'TakesNoMemory')}",
            "algorithm.policy.agent=TakesNoMemory: trying it raised TypeError: ",
        ),
    ],
)
def test_the_command_tells_a_mistake_in_one_line(
    line: str,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
):
    remix = CommandLine(monkeypatch, capsys, tmp_path)
    outcome = remix("train", *SMALL, "logger=none", "callbacks=none", *line.split())
    assert outcome.code == 2
    (only,) = outcome.err.splitlines()
    assert only.startswith(f"remix: {message}")


@pytest.mark.slow
def test_a_sweep_over_all_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    """Which nothing above has trained."""
    remix = CommandLine(monkeypatch, capsys, tmp_path)
    others = [name for name in ALGORITHMS if name not in METHODS]
    tiny = ("max_env_steps=60", "steps_per_epoch=60", "logger=none", "callbacks=none")
    outcome = remix("train", "-m", *SMALL, *tiny, f"algorithm={','.join(others)}")
    assert outcome.code == 0, outcome.err
    assert len(list(remix.home.glob("runs/**/run.json"))) == len(others)
