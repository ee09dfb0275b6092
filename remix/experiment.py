"""Configuration -> objects -> fit, validate, test. The one place where the parts of a run meet."""

from __future__ import annotations

import inspect
import logging
import re
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from hydra.core.hydra_config import HydraConfig
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.loggers import Logger

from callbacks.checkpointing import AtomicCheckpointIO
from envs.errors import SettingError, one_of
from remix import tracking
from remix.algorithms.base import MultiAgentModule
from remix.config import check, check_arguments, identity, plain, whole
from remix.datamodule import ReplayDataModule
from remix.launchers import threads_of_a_job
from remix.policy import Policy
from remix.records import claim, read_run, write_run
from remix.workers.base import EnvironmentFactory, WorkerPool, WorkersFactory

ARTIFACTS = (
    "config.yaml",
    "checkpoints/best.ckpt",
    "episode.gif",
    "weight_heatmap.png",
    "weight_heatmap.csv",
)
"""Files of a run directory that MLflow gets, as far as they exist."""


ERROR_FILE = "error.txt"
"""The traceback of a run that failed."""

ENDS = {"finished": "success", "failed": "failed", "interrupted": "KILLED"}
"""What loggers are told of a run's status, the last in MLflow's own word."""


def build(config: DictConfig) -> tuple[MultiAgentModule, ReplayDataModule]:
    """The Lightning module and data module of a composed configuration.

    :raises SettingError: naming the setting by its full key.
    """
    with _named_settings("env"):
        spec = instantiate(config.env).spec
    for key, value in config.replay.items():
        if key not in (valid := inspect.signature(ReplayDataModule).parameters):
            raise SettingError(f"replay.{key}", value, "unknown setting; replay " + one_of(valid, str(key)))
    data = ReplayDataModule(
        environment=instantiate(config.env, _partial_=True),
        workers=_workers(config),
        **plain(config.replay),
        steps_per_epoch=config.steps_per_epoch,
        max_env_steps=config.max_env_steps,
        validation_episodes=config.validation_episodes,
        test_episodes=config.test_episodes,
        seed=config.seed,
    )
    with _named_settings("algorithm"):
        module: MultiAgentModule = instantiate(config.algorithm, _partial_=True, _convert_="all")(spec)
    module.hparams["config"] = plain(config)
    return module, data


def train(config: DictConfig) -> float:
    """Train as configured, evaluate, and keep everything in the run directory.

    With ``resume=auto`` an interrupted run goes on from its last checkpoint and a finished one is left alone.

    :returns: mean greedy return of the final policy.
    """
    check(config)
    check_arguments(config)
    directory = _short(Path(config.run_dir))
    with claim(directory):
        previous = read_run(directory) if config.resume == "auto" else {}
        if previous and previous.get("identity") != identity(config):
            raise SettingError("run_dir", directory, "holds a run of another configuration")
        if previous.get("status") == "finished":
            print(f"already finished: {directory} (final return {previous['final_return']:.2f})")
            return float(previous["final_return"])
        record = {
            "identity": identity(config),
            "seed": config.seed,
            "started": previous.get("started", f"{datetime.now():%Y-%m-%dT%H:%M:%S.%f}"),
            "mlflow_run_id": previous.get("mlflow_run_id"),
        }
        try:
            return _train(config, directory, record, goes_on=bool(previous))
        except Exception as error:
            write_run(directory, record | {"status": "failed", "error": _first(error)})
            (directory / ERROR_FILE).write_text(traceback.format_exc())
            raise


def _train(config: DictConfig, directory: Path, record: dict[str, Any], goes_on: bool) -> float:
    """The run itself, in a directory that is ours; ``record`` learns what it comes to."""
    quiet()
    if (threads := _threads(config)) is not None:
        torch.set_num_threads(threads)
    pl.seed_everything(config.seed, verbose=False)
    module, data = build(config)
    last = directory / "checkpoints/last.ckpt"
    checkpoint = config.ckpt_path or (str(last) if goes_on and last.is_file() else None)
    if checkpoint is not None:
        _check_fits(module, checkpoint)
    trainer = _trainer(config)
    if not module.automatic_optimization and (clip := config.trainer.gradient_clip_val) is not None:
        raise SettingError(
            "trainer.gradient_clip_val", clip, "must be null: algorithm.gradient_clip counts here"
        )
    OmegaConf.save(OmegaConf.create(plain(config)), directory / "config.yaml")
    loggers = trainer.loggers = _loggers(config, record["mlflow_run_id"])
    record["mlflow_run_id"] = next((lg.run_id for lg in loggers if hasattr(lg, "run_id")), None)
    tracking.tag(loggers, "identity", record["identity"])
    write_run(directory, record | {"status": "running"})
    _describe(config, module, data, directory, checkpoint)
    status = "failed"
    try:
        if checkpoint is None:
            trainer.validate(module, data, verbose=False)
        trainer.fit(module, data, ckpt_path=checkpoint, weights_only=True)
        trainer.test(module, data, verbose=False)
        status = "finished"
        record["final_return"] = float(trainer.callback_metrics["final/return"])
        write_run(directory, record | {"status": status})
    except (KeyboardInterrupt, SystemExit):
        status = "interrupted"
        write_run(directory, record | {"status": status})
        raise
    except Exception as error:
        tracking.tag(loggers, "error", _first(error))
        raise
    finally:
        tracking.log_artifacts(loggers, directory, ARTIFACTS)
        for logger in loggers:
            logger.finalize(ENDS[status])
        if status == "interrupted":
            print(f"\ninterrupted; the same command with resume=auto goes on from {last}")
    if config.study is None:
        _farewell(directory, record["final_return"], loggers)
    else:
        print(f"final return {record['final_return']:.2f}; everything is in {directory}")
    return float(record["final_return"])


def load(path: Path, env_overrides: DictConfig | None = None) -> tuple[DictConfig, MultiAgentModule]:
    """The configuration and the trained module of a checkpoint; no code in it is executed.

    :param env_overrides: settings of the environment to change.
    """
    checkpoint = read_checkpoint(path)
    config = OmegaConf.create(checkpoint["hyper_parameters"]["config"])
    if env_overrides:
        config.env = OmegaConf.merge(config.env, env_overrides)
        check_arguments(OmegaConf.create({"env": config.env}))
    quiet()
    module, _ = build(config)
    try:
        module.load_state_dict(checkpoint["state_dict"])
    except RuntimeError as error:
        raise SettingError("checkpoint", path, f"does not fit the environment: {_first(error)}") from error
    module.env_steps = checkpoint["env_steps"]
    return config, module


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """A checkpoint's tensors and plain containers.

    :raises SettingError: if the file is not a checkpoint of ReMIX.
    """
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
        checkpoint["hyper_parameters"]["config"]["env"]["_target_"]
    except Exception as error:
        raise SettingError("checkpoint", path, "is not a readable checkpoint of a ReMIX run") from error
    loaded: dict[str, Any] = checkpoint
    return loaded


def evaluate(config: DictConfig) -> dict[str, float]:
    """Greedy episodes of a trained policy; prints and returns their statistics."""
    whole("episodes", config.episodes, least=1)
    whole("seed", config.seed, least=0)
    path = find_checkpoint(config.checkpoint, config.tracking_uri)
    trained, module = load(path, config.env)
    trained.seed, trained.test_episodes = config.seed, config.episodes
    _, data = build(trained)
    trainer = pl.Trainer(
        accelerator=config.accelerator, devices=1, logger=False, enable_progress_bar=False,
        enable_checkpointing=False, enable_model_summary=False,
    )  # fmt: skip
    print(f"{config.episodes} greedy episodes of {path}")
    trainer.test(module, data, verbose=False)
    results = {name.removeprefix("final/"): float(value) for name, value in trainer.callback_metrics.items()}
    width = max(map(len, results))
    for name, value in results.items():
        print(f"  {name:<{width}}  {value:.3f}")
    print(f"look at one of them: remix watch {path}")
    return results


def watch(config: DictConfig) -> Path:
    """One greedy episode of a trained policy as a GIF."""
    from callbacks.episode_video import record_episode

    whole("seed", config.seed, least=0)
    whole("fps", config.fps, least=1)
    path = find_checkpoint(config.checkpoint, config.tracking_uri)
    trained, module = load(path, config.env)
    output = Path(config.output or path.parent / f"episode-seed{config.seed}.gif")
    episode = record_episode(instantiate(trained.env), module.policy, config.seed, output, config.fps)
    print(f"{output}: {episode.length} steps, return {episode.score:g}")
    return output


def find_checkpoint(name: str, tracking_uri: str | None) -> Path:
    """The checkpoint that a file, a run directory (its best, else last one) or an MLflow run id means."""
    path = Path(name)
    if path.is_file():
        return path
    if path.is_dir():
        for candidate in (path / "checkpoints/best.ckpt", path / "checkpoints/last.ckpt"):
            if candidate.is_file():
                return candidate
        raise SettingError("checkpoint", name, "is a directory without checkpoints/best.ckpt or last.ckpt")
    if re.fullmatch(r"[0-9a-f]{32}", name):
        return tracking.download_checkpoint(name, tracking_uri)
    raise SettingError("checkpoint", name, "must be a checkpoint file, a run directory or an MLflow run id")


def quiet() -> None:
    """Keep the console for what the user has to know."""
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    for message in (
        ".*`training_step` returned `None`.*",  # rounds before the replay holds a batch
        ".*dataloader is not resumable.*",  # its state is the data module's
        ".*isinstance.treespec, LeafSpec.*",
        ".*does not have many workers.*",
        ".*Checkpoint directory .* exists and is not empty.*",
    ):
        warnings.filterwarnings("ignore", message)


@contextmanager
def _named_settings(group: str) -> Iterator[None]:
    """Give errors of building a group's objects the full key of the setting they are about."""
    try:
        yield
    except SettingError as error:
        raise SettingError(f"{group}.{error.setting}", error.value, error.expected) from error
    except InstantiationException as error:
        cause = error.__cause__
        found = re.search(r"full_key: (\S+)", str(error))
        key = found.group(1) if found else group
        if isinstance(cause, SettingError):
            raise SettingError(f"{key}.{cause.setting}", cause.value, cause.expected) from error
        raise SettingError(key, "", f"cannot be built: {_first(cause or error)}") from error


def _workers(config: DictConfig) -> WorkersFactory:
    factory = instantiate(config.workers, _partial_=True)

    def build(environment: EnvironmentFactory, policy: Policy) -> WorkerPool:
        with _named_settings("workers"):
            pool: WorkerPool = factory(environment, policy)
        return pool

    return build


def _trainer(config: DictConfig) -> pl.Trainer:
    try:
        trainer: pl.Trainer = instantiate(
            config.trainer,
            logger=False,
            callbacks=[instantiate(node) for node in config.callbacks.values() if node is not None],
            plugins=[AtomicCheckpointIO()],
            _convert_="all",
        )
    except InstantiationException as error:
        chosen = ", ".join(f"{key}={config.trainer[key]}" for key in ("accelerator", "devices", "precision"))
        raise SettingError("trainer", chosen, _first(error.__cause__ or error)) from error
    return trainer


def _loggers(config: DictConfig, mlflow_run_id: str | None) -> list[Logger]:
    loggers: list[Logger] = []
    for node in (node for node in config.logger.values() if node is not None):
        resumed = {"run_id": mlflow_run_id} if mlflow_run_id and "run_id" in node else {}
        with _named_settings("logger"):
            loggers.append(instantiate(node, _convert_="all", **resumed))
    parameters = tracking.flatten(plain(config))
    for group in ("algorithm", "env"):
        parameters[group] = parameters.pop(f"{group}_name")
    if config.study is not None:
        parameters |= {"panel": config.study.panel, "variant": config.study.variant}
    for logger in loggers:
        logger.log_hyperparams(parameters)
    return loggers


def _threads(config: DictConfig) -> int | None:
    """The setting, else what a launcher of jobs side by side leaves to each, else None for all cores."""
    if config.threads is None and HydraConfig.initialized():
        return threads_of_a_job(HydraConfig.get().launcher)
    threads: int | None = config.threads
    return threads


def _check_fits(module: MultiAgentModule, checkpoint: str) -> None:
    """Before anything is started: the checkpoint is readable and belongs to these networks."""
    state = read_checkpoint(checkpoint)["state_dict"]
    ours = module.state_dict()
    for name in ours.keys() | state.keys():
        if name not in ours or name not in state or ours[name].shape != state[name].shape:
            raise SettingError(
                "ckpt_path", checkpoint, f"holds other networks than configured ({name} differs)"
            )


def _describe(
    config: DictConfig,
    module: MultiAgentModule,
    data: ReplayDataModule,
    directory: Path,
    checkpoint: str | None,
) -> None:
    """The recipe, in a few lines, before it starts."""
    spec = data.spec
    parameters = sum(p.numel() for p in module.parameters() if p.requires_grad)
    print(
        f"{config.algorithm_name} on {spec.name}: {spec.n_agents} agents, {spec.n_actions} actions, "
        f"episodes of at most {spec.episode_limit} steps, {parameters:,} parameters\n"
        f"{data.max_env_steps:,} environment steps; {data.episodes_per_round} episodes, then "
        f"{data.updates_per_round} update(s) of {_learned_from(module, data)}; epsilon "
        f"{module.epsilon_start:g} to {module.epsilon_end:g} over {module.epsilon_anneal_steps:,} steps; seed {config.seed}\n"
        + (f"resumed from {checkpoint}" if checkpoint else f"run directory: {directory}"),
        flush=True,
    )


def _learned_from(module: MultiAgentModule, data: ReplayDataModule) -> str:
    """The episodes of one update."""
    parts = []
    if module.learns_from_replay:
        parts.append(f"{data.batch_size} replayed")
    if module.learns_from_latest:
        parts.append(f"the latest {data.latest_size}")
    return " and ".join(parts) + " episodes"


def _farewell(directory: Path, final_return: float, loggers: list[Logger]) -> None:
    best = directory / "checkpoints/best.ckpt"
    print(f"\nfinal return {final_return:.2f}; everything is in {directory}")
    for label, path in (
        ("checkpoint", best),
        ("episode", directory / "episode.gif"),
        ("weight heat map", directory / "weight_heatmap.png"),
    ):
        if path.is_file():
            print(f"  {label:<16} {path}")
    print("what next:")
    if best.is_file():
        print(f"  remix evaluate {best}")
        print(f"  remix watch {best}")
    if any(hasattr(logger, "run_id") for logger in loggers):
        print("  remix ui        (compare runs in MLflow)")


def _short(path: Path) -> Path:
    """The path from the working directory, if it lies below it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _first(error: BaseException) -> str:
    """The first line of what an exception says."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
