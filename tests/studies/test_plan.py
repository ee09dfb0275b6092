"""The studies of the configuration, planned and not run."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hydra import compose, initialize_config_module
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig

from remix import conf
from remix.runs.config import register_resolvers
from remix.settings.errors import SettingError
from remix.studies.plan import Plan, make_plan, write_plan
from remix.tracking.plan_file import read_plan

STUDIES = sorted(file.stem for file in (Path(conf.__file__).parent / "study").glob("[!_]*.yaml"))


@pytest.fixture(autouse=True)
def _hydra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    GlobalHydra.instance().clear()
    register_resolvers()
    with initialize_config_module("remix.conf", version_base="1.3"):
        yield


def plan(study: str, *overrides: str) -> Plan:
    config = compose("train", [f"study={study}", *overrides], return_hydra_config=True)
    HydraConfig.instance().set_config(config)
    return make_plan(config)


@pytest.mark.parametrize("study", [study for study in STUDIES if study != "custom"])
@pytest.mark.slow
def test_every_study_can_be_planned(study: str):
    """With one seed, and with one algorithm where it sweeps all of them: compositions take time."""
    fewer = {name: ["algorithm=remix"] for name in ("predator_prey", "smac", "smacv2")}
    fewer["onset_small_exploration"] = ["algorithm=ow_qmix"]
    jobs = plan(study, "seed=1", *fewer.get(study, [])).jobs
    assert len({(job.panel, job.variant, job.seed) for job in jobs}) == len(jobs) > 1


def test_a_study_of_all_algorithms_has_every_one_that_there_is():
    """Not what others or the paper make of one of them."""
    names = [file.stem for file in (Path(conf.__file__).parent / "algorithm").glob("[!_]*.yaml")]
    jobs = plan("predator_prey", "env.punishment=0", "seed=1").jobs
    variants = [name for name in names if not name.endswith(("_official", "_authors", "_printed"))]
    assert [job.variant for job in jobs] == sorted(variants)


def test_the_win_rate_on_the_maps_of_the_paper():
    made = plan("smac", "algorithm=qmix", "seed=1")
    assert made.metric == "test/battle_won"
    maps = ("1c3s5z", "3s_vs_5z", "5m_vs_6m", "6h_vs_8z", "MMM2", "corridor")
    assert [job.panel for job in made.jobs] == [f"{name} (skirmish)" for name in maps]


def test_an_ablation_goes_to_other_maps():
    assert {job.panel for job in plan("ablation", "variant=full").jobs} == {"MMM2 (skirmish)"}
    elsewhere = plan("ablation", "variant=full", "env.map_name=3s5z")
    assert {job.panel for job in elsewhere.jobs} == {"3s5z (skirmish)"}


def test_agents_that_see_a_battle_stand_beside_those_that_do_not():
    jobs = plan("open_loop", "env.map_name=8m", "seed=1").jobs
    seeing, blind = ("8m (skirmish)", "smac"), ("8m (skirmish)", "open_loop_smac")
    assert [(job.panel, job.variant) for job in jobs] == [seeing, blind]


@pytest.mark.parametrize("env", ["open_loop_smac", "open_loop_smacv2"])
def test_agents_that_see_the_time_do_not_see_what_they_did(env: str):
    policy = compose("train", [f"env={env}", "algorithm=qmix"], return_hydra_config=True).algorithm.policy
    assert (policy.last_action, policy.agent_id) == (False, True)


def test_jobs_of_two_commands_keep_their_places(tmp_path: Path):
    write_plan(plan("negative_gradient", "variant=full"), tmp_path)
    write_plan(plan("negative_gradient", "variant=full", "seed=2"), tmp_path)
    jobs = json.loads((tmp_path / "plan.json").read_text())["jobs"]
    assert {job["seed"]: job["place"] for job in jobs} == {1: "1/3", 2: "1/1", 3: "3/3"}


def test_commands_that_plan_at_once_lose_no_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def slow(path: Path):
        content = read_plan(path)
        time.sleep(0.2)
        return content

    plans = [plan("negative_gradient", "variant=full", f"seed={seed}") for seed in (1, 2, 3)]
    write_plan(plans[0], tmp_path)
    monkeypatch.setattr("remix.studies.plan.read_plan", slow)
    with ThreadPoolExecutor() as threads:
        list(threads.map(lambda made: write_plan(made, tmp_path), plans[1:]))
    assert sorted(job["seed"] for job in read_plan(tmp_path / "plan.json")["jobs"]) == [1, 2, 3]


def test_names_that_share_a_folder_are_told_apart(tmp_path: Path):
    """Blanks and slashes are underscores and points in names of folders."""
    variant = """+hydra.sweeper.params={study.variant: "a_b,'a b'"}"""
    with pytest.raises(
        SettingError, match=r"^study.variant=a b: '.*, a b, seed 1' and '.*, a_b, seed 1' would"
    ):
        plan("negative_gradient", "variant=full", "seed=1", variant)
    write_plan(plan("negative_gradient", "variant=full", "seed=1", "study.name=a b"), tmp_path)
    with pytest.raises(SettingError, match=r"^study.name=a_b: has the folder of the study 'a b'"):
        write_plan(plan("negative_gradient", "variant=full", "seed=1", "study.name=a_b"), tmp_path)
    assert read_plan(tmp_path / "plan.json")["study"] == "a b"


def test_equal_runs_of_the_small_onset_studies_are_the_same_runs():
    """So that one study takes over what another has trained."""
    [method] = plan("onset_small", "seed=101", "algorithm=ow_qmix").jobs
    [weighting] = plan("onset_small_weightings", "seed=101", "algorithm/weighting=optimistic").jobs
    settings = ("algorithm.epsilon.steps=20_000", "replay.updates_per_round=2", "algorithm=ow_qmix")
    [exploration] = plan("onset_small_exploration", "seed=101", *settings).jobs
    [other] = plan("onset_small", "seed=101", "algorithm=remix").jobs
    assert weighting.identity == exploration.identity == method.identity != other.identity
    [printed] = plan("onset_small", "seed=101", "algorithm=remix_printed").jobs
    [whole] = plan("onset_small_ablation", "seed=101", "variant=full").jobs
    [lowest] = plan("onset_small_minimum", "seed=101", "weight_range.min=0.1").jobs
    assert whole.identity == lowest.identity == printed.identity != other.identity


def test_every_method_has_its_first_seeds_before_any_has_its_last():
    made = plan("onset_exploration")
    assert [job.seed for job in made.jobs] == [seed for seed in range(101, 109) for _ in range(3)]
    assert {job.variant for job in made.jobs[:3]} == {"ow_qmix", "qmix", "vdn"}
    assert made.reference == made.merged()["reference"] == "ow_qmix"


def test_a_reference_that_is_not_planned_is_said():
    [line] = [
        line for line in plan("onset_small", "seed=101", "algorithm=qmix").warnings if "reference" in line
    ]
    assert line == "study.reference=ow_qmix is none of the variants planned here: qmix"
    planned = plan("onset_small", "seed=101", "algorithm=ow_qmix")
    assert not any("reference" in line for line in planned.warnings)


def test_words_about_tuning_go_by_variant():
    with pytest.raises(SettingError, match=r"study.tuning=much: must be words by variant"):
        plan("onset_small", "seed=101", "algorithm=qmix", "study.tuning=much")


def test_a_threshold_that_is_none_is_named_as_it_was_given():
    """Not by the callback that every job hands it on to."""
    with pytest.raises(SettingError, match=r"^study\.onset=soon: must be a finite number"):
        plan("custom", "study.name=mine", "study.onset=soon")
