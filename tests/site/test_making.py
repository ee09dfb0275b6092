"""How pages of the site are made."""

from __future__ import annotations

from pathlib import Path

import pytest

from remix.settings import docstrings
from remix.settings.configurations import Configuration, Setting, chain, meanings
from tests.site import notebooks, outside, parts, roles
from tests.site.tables import table


@pytest.mark.parametrize(
    ("page", "markdown", "link"),
    [
        ("train.md", "[a](../RESULTS.md#battles)", "[a](RESULTS.md#battles)"),
        ("algorithms/dop.md", "[a](../remix_in_one_page.md)", "[a](../remix_in_one_page.md)"),
        ("algorithms/dop.md", "[a](../../RESULTS.md)", "[a](../RESULTS.md)"),
        ("CONTRIBUTING.md", "[a](docs/extend.md)", "[a](extend.md)"),
        ("first_run.md", "[a](../notebooks/tour.ipynb)", "[a](notebooks/tour.md)"),
        ("envs/skirmish/README.md", "[a](https://b.org/docs/c)", "[a](https://b.org/docs/c)"),
    ],
)
def test_links_lead_to_pages_of_the_site(page: str, markdown: str, link: str):
    assert outside.as_on_the_site(markdown, page) == link


def test_pictures_come_along():
    assert {"RESULTS.md", "notebooks/results/predator_prey/learning_curves.png"} <= set(outside.files())
    assert all((outside.ROOT / path).exists() for path in outside.files())


def test_a_notebook_is_a_page():
    pytest.importorskip("nbconvert")
    page, pictures = notebooks.page("notebooks/theory.ipynb", "")
    assert page.startswith("# ") and "Open it in Colab" not in page
    assert pictures and all(f"({name})" in page for name in pictures)
    page, pictures = notebooks.page("notebooks/tour.ipynb", "https://github.com/someone/remix")
    assert "\\:" not in page
    assert "(tour_pictures/film_1.gif)" in page and pictures["tour_pictures/film_1.gif"].startswith(b"GIF8")
    assert "(https://colab.research.google.com/github/someone/remix/blob/main/notebooks/tour.ipynb)" in page


def test_formulas_are_mathml():
    pytest.importorskip("latex2mathml")
    from tests.site.formulas import as_mathml

    html = as_mathml(
        r'<p>a <span class="arithmatex">\(x &lt; 1\)</span></p><div class="arithmatex">\[y\]</div>'
    )
    assert html.startswith('<p>a <math xmlns="http://www.w3.org/1998/Math/MathML" display="inline">')
    assert "<mo>&#x0003C;</mo>" in html and 'display="block"' in html and "arithmatex" not in html


def test_roles_of_sphinx_are_not_shown():
    assert roles.shown("<p>see :class:<code>A</code>::</p>") == "<p>see <code>A</code>:</p>"


def test_a_configuration_is_read():
    settings = Configuration("algorithm/qmix").settings()
    assert settings == [Setting("algorithm.loss_factor", "0.5", "")]
    assert meanings("algorithm/qmix")["algorithm.loss_factor"] == "of the weighted squared error of Q_tot"
    assert [file.path for file in chain("algorithm/vdac_sum")] == [
        "algorithm/mixer/vdn",
        "algorithm/_vdac",
        "algorithm/vdac_sum",
    ]
    assert Configuration("env/predator_prey").description.startswith(
        "Predator-Prey with the published settings"
    )
    assert Configuration("algorithm/mixer/vdn").description == "The sum of the utilities; every slope is 1."
    above = {setting.name: setting.meaning for setting in Configuration("env/pettingzoo").settings()}
    assert above["env.reward"].startswith("Team reward: mean (over all agents)")


def test_a_class_says_what_it_takes():
    found = docstrings.find("remix.weighting.both_logarithms.BothLogarithms")
    assert found.file == "remix/weighting/both_logarithms.py"
    assert {"share", "slope_floor", "min_weight"} <= set(found.parameters)
    assert [above.name.rpartition(".")[2] for above in found.lineage()][:2] == [
        "BothLogarithms",
        "RegretMinimizing",
    ]
    assert docstrings.find("remix.envs.battles.Battles").file == "envs/battles.py"


def test_every_class_that_is_configured_is_listed_once():
    lines = [line for line in parts.page().splitlines() if line.startswith("::: ")]
    assert len(lines) == len(set(lines))
    assert "::: remix.envs.predator_prey.PredatorPrey" in lines and "::: remix.algorithms.pow.POW" in lines
    for line in lines:
        assert Path(docstrings.find(line.removeprefix("::: ")).file).suffix == ".py"


def test_a_cell_may_hold_anything():
    assert table(("a",), [("x|y",)]) == "| a |\n| --- |\n| x\\|y |"
