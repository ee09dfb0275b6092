"""The pages say what is so: their code runs, their quotations are true, what is made of code is whole."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import remix
from remix.settings import configurations
from tests.command_line import SMALL
from tests.site import algorithms, metrics, settings

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
NAMES = [file.choice for file in configurations.choices("algorithm")]


def blocks(page: str, language: str = "python") -> list[str]:
    """The fenced blocks of a page of ``docs/``."""
    return re.findall(rf"```{language}\n(.*?)```", (DOCS / f"{page}.md").read_text("utf-8"), flags=re.DOTALL)


def run(code: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(code, names)
    return names


def test_training_without_hydra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (code,) = blocks("without_hydra")
    assert "max_env_steps=100_000" in code
    small = (
        "max_env_steps=300, steps_per_epoch=150, batch_size=1, episodes_per_round=1, validation_episodes=2"
    )
    monkeypatch.chdir(tmp_path)
    names = run(code.replace("max_env_steps=100_000", small))
    assert names["data"].env_steps >= 300
    assert names["module"].updates >= 2


def test_a_battle_as_in_smac():
    (code,) = blocks("battles")
    names = run(code)
    assert names["reward"] == 0.0 and not names["terminated"]


def test_a_game_is_handed_out_as_pettingzoo():
    pytest.importorskip("pettingzoo")
    _, code = blocks("environments")
    assert len(run(code)["observations"]) == 8


def test_opposite_rewards_are_paid_as_shown(capsys: pytest.CaptureFixture[str]):
    code, _ = blocks("environments")
    run(code)
    assert f"# {capsys.readouterr().out}" == code.rpartition("  ")[2]


def test_reading_metrics_without_remix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    lines = [{"step": 0, "evaluation": "test", "episodes": {}}, {"step": 5, "values": {"test/return": 2.5}}]
    (tmp_path / "runs/mine").mkdir(parents=True)
    (tmp_path / "runs/mine/metrics.jsonl").write_text("\n".join(map(json.dumps, lines)))
    monkeypatch.chdir(tmp_path)
    (code,) = blocks("reading_a_run")
    run(code)
    assert capsys.readouterr().out == "5 2.5\n"


def test_code_is_quoted_as_it_is():
    quoted = blocks("remix_in_one_page")
    assert len(quoted) == 8
    for block in quoted:
        place, _, lines = block.partition("\n")
        assert lines in (ROOT / place.removeprefix("# ")).read_text("utf-8"), lines


def test_every_algorithm_has_a_page():
    pages = {page.stem for page in DOCS.glob("algorithms/*.md")}
    forms = {name for name in NAMES if any(name.startswith(f"{page}_") for page in pages)} - pages
    assert pages | forms == set(NAMES) and pages <= set(NAMES)
    for page in pages:
        text = (DOCS / f"algorithms/{page}.md").read_text("utf-8")
        assert text.endswith(f"$ remix train algorithm={page}\n```\n\n<!-- made: algorithm -->\n")
    rows = re.findall(
        r"^\| \[`(\w+)`\]\(algorithms/\1\.md\) \|", (DOCS / "algorithms.md").read_text("utf-8"), re.M
    )
    assert set(rows) == pages


def test_what_can_be_imported_is_all_described():
    described = re.findall(r"^::: remix\.[\w.]+\.(\w+)$", (DOCS / "api.md").read_text("utf-8"), flags=re.M)
    assert set(remix.__all__) <= set(described)


def test_the_end_of_an_algorithms_page():
    end = algorithms.end_of_page("qplex")
    assert "| mixer | [`QPLEXMixer`][remix.networks.mixers.qplex.QPLEXMixer] |" in end
    assert "| `algorithm.mixer.n_layers` | `2` | linear layers of each of them |" in end
    assert "| `algorithm.mixer.n_layers` | `2` | `1` |" in end.partition("### `algorithm=qplex_official`")[2]
    assert "| `train/q_tot` | mean joint value of the actions taken |" in end
    assert "train/policy_loss" not in end


def test_settings_are_all_there():
    page = settings.page()
    for line in (
        "| `replay.capacity` | `5_000` | episodes kept |",
        "| `env.punishment` | `0.0` | for each prey that too few agents try to catch, each step; published: ",
        "| `algorithm.weighting.mapping.kappa` | `2.0` | cap at kappa times the mean positive raw weight |",
        "| `workers.n_workers` | `2` | processes |",
        "| [`qmix_official`](algorithms/qmix.md) | QMIX as the authors of weighted QMIX trained it. |",
    ):
        assert line in page, line
    for file in configurations.CONF.glob("*/*.yaml"):
        if not file.stem.startswith("_") and file.parent.name != "hydra":
            assert re.search(rf"`(\w+/)*(\w+=)?{re.escape(file.stem)}`", page), file


def test_metrics_are_all_explained():
    known = metrics.explained()
    folders = ("remix", "envs", "callbacks")
    files = [file for folder in folders for file in (ROOT / folder).rglob("*.py")]
    logged = metrics.logged(file for file in files if file.name != "view.py")  # which asks for them
    assert {name for name in logged if name not in known} == {
        "test/return",
        "final/return",
        "train/return",
        "summary/<name>",
    }


def test_a_run_logs_what_the_page_explains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    run = remix.train("algorithm=remix", *SMALL, "algorithm.weighting.on_policiness=true", "logger=none")
    factors = "(bellman_error|value_underestimation|mixing_gradient|on_policiness)"
    of_episodes = "(return|length|return_std|captures|failed_catches)"
    names = {re.sub(rf"^weighting/{factors}_", "weighting/<name>_", name) for name in run.curves}
    names = {re.sub(rf"/{of_episodes}$", "/<name>", name) for name in names}
    assert names <= set(metrics.explained())
