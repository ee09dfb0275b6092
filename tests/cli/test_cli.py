"""What the command line answers."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from remix.cli import command as cli
from tests.command_line import TINY, CommandLine

MISTAKES = [
    (
        "train -m seed=1,2 hydra.launcher._target_=hydra_plugins.hydra_ray_launcher.x.Y",
        "hydra/launcher: is not installed; pip install hydra-ray-launcher",
    ),
    (
        "train -m seed=1,2 hydra.launcher._target_=hydra_plugins.hydra_submitit_launcher.x.Y",
        "hydra/launcher: is not installed; pip install 'remix-marl[slurm]'",
    ),
    ("train algorithm=qmx", "algorithm=qmx: must be one of qmix, "),
    ("train env=foo", "env=foo: must be one of "),
    ("train env.n_agent=3", "env.n_agent: unknown setting; must be one of n_agents, "),
    ("train sed=3", "sed: unknown setting; must be one of seed, "),
    (
        "train +trainer.acelerator=gpu",
        "trainer.acelerator=gpu: unknown setting; trainer must be one of accelerator, ",
    ),
    ("train env.n_agents=abc", "env.n_agents=abc: must be a whole number"),
    ("train env.n_agents=300", "env.n_agents=300: "),
    ("train env.punishment=1", "env.punishment=1: "),
    (
        "train weight_range.min=0.9 weight_range.max=0.5",
        "weight_range.min=0.9: must be at most weight_range.max=0.5",
    ),
    ("train replay.batch_size=6000", "replay.batch_size=6000: must be at most replay.capacity=5000"),
    (
        "train callbacks.last_checkpoint.time_share=2",
        "callbacks.last_checkpoint.time_share=2: must be a number above 0 and at most 1",
    ),
    ("train seed=-1", "seed=-1: must be a whole number between 0 and 4294967295"),
    ("train seed=4294967296", "seed=4294967296: must be a whole number between 0 and 4294967295"),
    ("train seed=1.0", "seed=1.0: must be a whole number between"),
    ("train seed=true", "seed=True: must be a whole number between"),
    (
        "train callbacks.episode_video.seed=4294967296 logger=none",
        "callbacks.episode_video.seed=4294967296: must be a whole number between",
    ),
    ("watch checkpoint=x seed=4294967296", "seed=4294967296: must be a whole number between"),
    (
        "search search.sampler_seed=4294967296",
        "search.sampler_seed=4294967296: must be a whole number between",
    ),
    ("search search.seeds=[1,4294967296]", "search.seeds=4294967296: must be a whole number between"),
    ("train weight_range.min=nan", "weight_range.min=nan: must be a number of at least 0"),
    ("train weight_range.max=inf", "weight_range.max=inf: must be finite"),
    ("train weight_range.min=false", "weight_range.min=False: must be a number of at least 0"),
    ("train trainer.gradient_clip_val=nan", "trainer.gradient_clip_val=nan: must be a number"),
    ("train max_env_steps=1.5", "max_env_steps=1.5: must be a whole number of at least 1"),
    ("train threads=true", "threads=True: must be a whole number of at least 1"),
    ("train warmup_steps=-1", "warmup_steps=-1: must be a whole number of at least 0"),
    (
        "train max_env_steps=120 steps_per_epoch=120",
        "max_env_steps=120: allows no update: the first one wants 128 episodes (replay.batch_size",
    ),
    ("train replay.batch_size=many", "replay.batch_size=many: must be a whole number of at least 1"),
    ("train +replay.bach_size=3", "replay.bach_size=3: unknown setting; replay must be one of batch_size, "),
    ("train replay.capacity=0", "replay.capacity=0: must be a whole number of at least 1"),
    ("evaluate checkpoint=x exploration=2", "exploration=2: must be a number between 0 and 1"),
    ("evaluate checkpoint=x seed=one", "seed=one: must be a whole number between 0 and"),
    ("watch checkpoint=x fps=fast", "fps=fast: must be a number between 0.1 and 50"),
    ("train resume=maybe", "resume=maybe: must be one of auto, never"),
    ("train ckpt_path=nowhere.ckpt", "ckpt_path=nowhere.ckpt: is not a file"),
    ("train algorithm.gamma=2", "algorithm.gamma=2: must be a number between 0 and 1"),
    ("train algorithm.optimizer.lr=fast", "algorithm.optimizer.lr=fast: must be a finite number"),
    (
        "train algorithm.weighting.mapping.kappa=-1",
        "algorithm.weighting.mapping.kappa=-1: must be a number above 0",
    ),
    (
        "train algorithm.weighting.central_network=both",
        "algorithm.weighting.central_network=both: must be one of online, target",
    ),
    ("train algorithm=qmix algorithm/weighting=regret_minimizing", "algorithm.central=None: "),
    ("train trainer.accelerator=tpu", "trainer.accelerator=tpu: must be one of gpu, cpu, auto, "),
    ("train trainer.precision=16-true", "trainer.precision=16-true: must be one of 32-true, bf16-mixed"),
    ("train workers.overlap=maybe", "workers.overlap=maybe: must be true or false"),
    ("train env=pettingzoo", "env.id=???: must be given"),
    ("train env=smac env.backend=starcraft", "env.backend=starcraft: must be one of starcraft2, skirmish"),
    ("train env=smac env.backend=starcraft2 env.map_name=3mm", "env.map_name=3mm: must be one of 3m, "),
    ("train env=smacv2 env.map_name=zergs_5_vs_5", "env.map_name=zergs_5_vs_5: must be one of zerg_5_vs_5, "),
    (
        "train logger.mlflow.tracking_uri=htp://127.0.0.1:9",
        "logger.mlflow.tracking_uri=htp://127.0.0.1:9: ",
    ),
    (
        "train -m seed=1,2 --cfg job",
        "--cfg=job: shows one run: leave out -m, and give each setting one value",
    ),
    ("train -c hydra --multirun seed=1,2", "--cfg=hydra: shows one run: leave out -m"),
    ("train -m -r seed=1,2", "--run=true: must stand without --cfg and --multirun"),
    ("train --resolve", "--resolve=true: belongs to --cfg job"),
    ("train foo", "foo: must be SETTING=VALUE"),
    ("train =3", "=3: must be SETTING=VALUE"),
    ("train +new.key=3", "new.key=3: unknown setting; must be one of "),
    ("train ~algorithm", "~algorithm=: cannot be left out; must be one of "),
    ("train algorithm=qmix.yaml", "algorithm=qmix.yaml: must stand without '.yaml'"),
    ("train ~seed", "seed=???: must be given"),
    ("train env=null", "env=null: must be one of "),
    ("train env=[two_step,climbng]", "env=climbng: must be one of climbing, "),
    ("train callbacks=3", "callbacks=3: must be one of "),
    ("train +callbacks.mine=3", "callbacks.mine=3: must be a Callback, named by its _target_ or null"),
    ("train seed=1,2", "seed=1,2: several values need -m, a list needs brackets: seed=[1,2]"),
    ("train env.n_agents={a:1}", "env.n_agents={'a': 1}: must be a whole number"),
    ("train env.world_shape=[a,b]", "env.world_shape[0]=a: must be a whole number"),
    ("train env=matrix_game env.payoff=abc", "env.payoff=abc: must be a full table of numbers"),
    ("train algorithm.td_lambda=nan", "algorithm.td_lambda=nan: must be a finite number"),
    ("train algorithm.optimizer.lr=inf", "algorithm.optimizer.lr=inf: must be a finite number"),
    ("train algorithm.optimizer.lr=[1]", "algorithm.optimizer.lr=[1]: must be a finite number"),
    ("train algorithm.optimizer=[1]", "algorithm.optimizer=[1]: must be settings; single ones are set by "),
    ("train +weight_range.maxx=1", "weight_range.maxx=1: unknown setting; weight_range must be one of max, "),
    (
        "train algorithm.epsilon_anneal_steps=7",
        "algorithm.epsilon_anneal_steps: is algorithm.epsilon.steps now",
    ),
    (
        "train weight_range=min_0.5",
        "weight_range=min_0.5: must be settings; one is set by weight_range.min=...",
    ),
    ("train agent_inputs.agent_id=1", "agent_inputs.agent_id=1: must be true or false"),
    ("train replay.episodes_per_round=1.5", "replay.episodes_per_round=1.5: must be a whole number"),
    (
        "train algorithm.optimizer.lr=-1",
        "algorithm=remix.algorithms.value_factorization.ValueFactorization: ",
    ),
    (
        "train algorithm.loss_factor=99999999999999999999",
        "algorithm.loss_factor=99999999999999999999: is too large",
    ),
    ("train study=predator_prey seed=1,2 env.punishmnt=0", "env.punishmnt: unknown setting; must be one of "),
    ("train study=sensitivty seed=range(1,3)", "study=sensitivty: must be one of sensitivity, "),
    ("train study=smac seed=1,2 hydra/launcher=slurm", "hydra/launcher=slurm: must be one of basic, joblib"),
    ("train run_name=${x}", "run_name: Interpolation key 'x' not found"),
    ("train env.n_agents=${oc.env:NOT_SET}", "env.n_agents: KeyError raised while resolving interpolation"),
    ("train env.n_agents=${env.n_agents}", "env.n_agents: Recursive interpolation detected"),
    ("train env.n_agents=[1", "env.n_agents=[1: cannot be read: special signs need quotes"),
    ("train --config-name nope", "--config-name=nope: there is no configuration of that name"),
    ("train hydra.run.dir=/dev/null/x", "/dev/null/x: Not a directory"),
    ("train hydra.run.dir=null", "hydra.run.dir=null: "),
    ("train test_episodes=1000000000", "test_episodes=1000000000: to play so many episodes together takes"),
    ("train ckpt_path=3", "ckpt_path=3: is not a file"),
    ("evaluate", "checkpoint=latest: there is no run with a checkpoint below runs"),
    (
        "evaluate nothing-here",
        "checkpoint=nothing-here: must be a checkpoint file, a run directory or an MLflow",
    ),
    ("evaluate algorithm=qmix", "algorithm: cannot be chosen with this command; --help shows what can"),
    ("watch .", "checkpoint=.: is a directory without checkpoints/best.ckpt"),
    ("completion tcsh", "shell=tcsh: must be one of bash, fish, zsh"),
    ("trian", "unknown command 'trian': must be one of train, "),
    ("train --config=qmix", "--config=qmix: ambiguous option: --config=qmix could match --config-path, "),
    ("evaluate --episodes 3", "--episodes=: unrecognized arguments: --episodes; groups and settings stand "),
    ("train --cfg jobs", "--cfg=: argument --cfg/-c: invalid choice: 'jobs'"),
    ("train -s 1", "--shell-completion=: is 'remix completion' here"),
    ("train --version", "--version=: is 'remix --version' here"),
    ("train algorithm=OW_QMIX", "algorithm=OW_QMIX: must be one of ow_qmix, "),
    ("train env=smac env.map_name=mmm2", "env.map_name=mmm2: must be one of MMM2, MMM, "),
    ("train lr=0.1", "lr: unknown setting (perhaps algorithm.optimizer.lr); must be one of "),
    ("train algorithm.lr=0.1", "algorithm.lr: unknown setting (perhaps algorithm.optimizer.lr); must be "),
    ("train mixer=vdn", "mixer: unknown setting (perhaps algorithm/mixer); must be one of "),
    ("train t_max=1000", "t_max: unknown setting (perhaps max_env_steps); must be one of "),
    ("train env_args.map_name=3m", "env_args: unknown setting (perhaps env.map_name); must be one of "),
]


@pytest.mark.parametrize(("line", "message"), MISTAKES, ids=[line for line, _ in MISTAKES])
def test_a_mistake_is_one_line_and_status_2(remix: CommandLine, line: str, message: str):
    outcome = remix(*line.split())
    assert outcome.code == 2
    assert outcome.err.startswith(f"remix: {message}")
    assert outcome.err.count("\n") == 1
    assert not list(remix.home.glob("**/mlflow.db"))


def test_an_unreadable_checkpoint_is_one_line(remix: CommandLine):
    (remix.home / "broken.ckpt").write_bytes(b"not a checkpoint")
    outcome = remix("evaluate", "broken.ckpt")
    assert outcome == (2, "", "remix: checkpoint=broken.ckpt: is not a readable checkpoint of a ReMIX run\n")


def test_a_folder_that_is_gone_is_one_line(remix: CommandLine):
    gone = remix.home / "gone"
    gone.mkdir()
    remix.monkeypatch.chdir(gone)
    gone.rmdir()
    outcome = remix("list")
    assert outcome == (2, "", "remix: the folder that you are in is not there any more; go to another one\n")


@pytest.mark.parametrize(
    ("place", "message"),
    [("runs", "runs: File exists"), ("mine", "run_dir=mine: is no folder; choose another name")],
)
def test_a_place_that_cannot_be_a_folder_is_one_line(remix: CommandLine, place: str, message: str):
    Path("text").write_text("of the user")
    Path(place).symlink_to("nowhere" if place == "runs" else "text")
    outcome = remix("train", *TINY, *([] if place == "runs" else [f"run_dir={place}"]))
    assert outcome == (2, "", f"remix: {message}\n")


@pytest.mark.parametrize("written", ["p=0/best.ckpt", "./p=0/best.ckpt", "checkpoint='p=0/best.ckpt'"])
def test_folders_of_studies_are_no_settings(remix: CommandLine, written: str):
    (remix.home / "p=0").mkdir()
    (remix.home / "p=0/best.ckpt").write_bytes(b"not a checkpoint")
    assert "best.ckpt: is not a readable checkpoint" in remix("evaluate", written).err


def test_verbose_shows_the_traceback(remix: CommandLine):
    with pytest.raises(ValueError, match="must be a number between 0 and 1"):
        remix("train", "algorithm.gamma=2", "-v")


def test_help_names_every_command(remix: CommandLine):
    for arguments in ((), ("-h",), ("--help",)):
        outcome = remix(*arguments)
        assert outcome.code == 0
        assert all(
            f"remix {name}" in outcome.out for name in ("train", "evaluate", "watch", "ui", "completion")
        )


def test_configuration_can_be_printed_with_options_anywhere(remix: CommandLine):
    out = remix("train", "algorithm=ow_qmix", "--cfg", "job", "seed=7").out
    assert "remix.weighting.optimistic.Optimistic" in out
    assert "seed: 7" in out
    assert not (remix.home / "runs").exists()


def test_nothing_heavy_is_imported_for_help():
    code = (
        "import sys, remix.cli.command, remix.runs.config; "
        "print([name for name in ('torch', 'mlflow', 'numba') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("words", [["max_env_steps=0"], ["env.n_agents=abc"], ["seed=-1"]])
def test_a_wrong_value_is_refused_before_anything_heavy_is_imported(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)  # which asks for tracebacks
    code = (
        f"import sys; sys.argv = ['remix', 'train', *{words}]; from remix.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: print(end.code)\n"
        "print([name for name in ('torch', 'mlflow', 'pytorch_lightning') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout.split() == ["2", "[]"]
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("remix tr", ["train "]),
        ("remix train algorithm=", ["algorithm=ow_qmix", "algorithm=remix"]),
        ("remix train env.punish", ["env.punishment="]),
        ("remix train algorithm=remix algorithm/mixer=", ["algorithm/mixer=qmix", "algorithm/mixer=vdn"]),
        ("remix evaluate epi", ["episodes="]),
    ],
)
def test_completion(remix: CommandLine, monkeypatch: pytest.MonkeyPatch, line: str, expected: list[str]):
    monkeypatch.setenv("COMP_LINE", line)
    offered = remix("completion", "query").out.splitlines()
    assert set(expected) <= set(offered)
    assert not any("=_" in choice for choice in offered)


def test_completion_scripts_are_valid_bash(remix: CommandLine):
    script = remix("completion", "bash").out
    assert subprocess.run(["bash", "-n"], input=script, text=True).returncode == 0


def test_a_refused_run_leaves_nothing_but_what_was_there(remix: CommandLine):
    assert remix("train", "algorithm.gamma=2").code == 2
    assert not any(remix.home.iterdir())
    (remix.home / "mine").mkdir()
    (remix.home / "mine/notes.txt").touch()
    assert remix("train", "algorithm.gamma=2", "hydra.run.dir=mine").code == 2
    assert (remix.home / "mine/notes.txt").is_file()


CONFIGURATIONS = {
    "broken": "a: [1, 2\nb: 3\n",
    "tab": "a:\n\tb: 1\n",
    "double": "a: 1\na: 2\n",
    "nowhere": "defaults:\n  - /env: nowhere\n",
    "cut": "a: ${b",
    "deep": "a: " + "[" * 5_000,
    "itself": "a: &a [*a]\n",
}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("broken", "own/broken.yaml, line 2, column 2: expected ',' or ']'"),
        ("tab", "own/tab.yaml, line 2, column 1: found character"),
        ("double", "own/double.yaml, line 2, column 1: found duplicate key a"),
        ("nowhere", "env=nowhere: must be one of "),
        ("cut", "a configuration cannot be read: no viable alternative at input '${b'"),
        ("deep", "a configuration cannot be read: it is nested too deeply, or holds itself"),
        ("itself", "a configuration cannot be read: it is nested too deeply, or holds itself"),
    ],
)
def test_a_broken_configuration_is_one_line(remix: CommandLine, name: str, message: str):
    folder = remix.home / "settings/own"
    folder.mkdir(parents=True)
    (folder / f"{name}.yaml").write_text(CONFIGURATIONS[name])
    outcome = remix("train", "--config-dir", "settings", f"+own={name}")
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert message in outcome.err


def test_a_warning_is_one_line(remix: CommandLine, monkeypatch: pytest.MonkeyPatch):
    def warn(arguments: list[str]) -> None:
        print(warnings.formatwarning("a\nb", UserWarning, "x.py", 1), end="", file=sys.stderr)

    monkeypatch.setitem(cli.COMMANDS, "report", warn)
    assert remix("report").err == "warning: a b\n"


def test_what_nobody_expected_is_one_line_too(remix: CommandLine, monkeypatch: pytest.MonkeyPatch):
    def fail(arguments: list[str]) -> None:
        raise KeyError("x")

    monkeypatch.setitem(cli.COMMANDS, "report", fail)
    outcome = remix("report")
    assert outcome.code == 1
    assert outcome.err.splitlines()[-1].startswith("remix: unexpected KeyError: 'x' (test_cli.py, line ")
    assert outcome.err.endswith("; -v shows the traceback\n")
    with pytest.raises(KeyError):
        remix("report", "-v")


def test_a_run_where_a_checkpoint_has_to_be_leads_to_its_last_one(remix: CommandLine):
    last = remix.home / "runs/mine/checkpoints/last.ckpt"
    last.parent.mkdir(parents=True)
    last.touch()
    outcome = remix("train", "ckpt_path=runs/mine")
    assert outcome.code == 2
    assert "is a folder; the checkpoint to go on from is runs/mine/checkpoints/last.ckpt\n" in outcome.err
