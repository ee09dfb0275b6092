"""A page in Markdown."""

import pytest

from remix.report.markup import Beside, Bullets, Chart, Lead, Links, Picture, Section, Table, to_markdown

SECTIONS = [
    Section(
        "Scores & more",
        [
            "ow_qmix < qmix | *really*",
            Table(["variant", "score"], [["a|b", "1"], ["<c>", "2"]]),
            Bullets(["first", "second"]),
            Picture("figures/curves", "Curves"),
        ],
    )
]


def test_markdown() -> None:
    assert to_markdown("My study", SECTIONS).splitlines() == [
        "# My study",
        "",
        "## Scores & more",
        "",
        r"ow\_qmix \< qmix \| \*really\*",
        "",
        "| variant | score |",
        "| :--- | ---: |",
        r"| a\|b | 1 |",
        r"| \<c\> | 2 |",
        "",
        "* first",
        "* second",
        "",
        "![Curves](figures/curves.png)",
        "",
        "*Curves*",
    ]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("[x](javascript:alert(1))", r"\[x\]\(javascript:alert(1))"),
        ("![x](http://h/p.png)", r"![x\]\(http\://h/p.png)"),
        ("[x]: http://h", r"\[x\]\: http\://h"),
        ("<img src=x onerror=y>", r"\<img src=x onerror=y\>"),
        ("&lt;b&gt; & c", r"\&lt;b\&gt; & c"),
        ("www.h.org you@h.org", r"www\.h.org you\@h.org"),
        ("- x", r"\- x"),
        ("1. x", r"1\. x"),
        ("=== x", r"\=== x"),
        ("a\n\n# b\u202ec\0", "a  \\# b\N{REPLACEMENT CHARACTER}c\N{REPLACEMENT CHARACTER}"),
        ("final [1.0, 2.0] (3 of 4)", "final [1.0, 2.0] (3 of 4)"),
    ],
)
def test_markdown_of_text_from_elsewhere(text: str, written: str) -> None:
    assert to_markdown("x", [Section("y", [text])]).splitlines()[-1] == written


def test_cells_stay_in_their_rows() -> None:
    table = Table(["variant"], [["a\n| b |"], ["-1.5"]])
    assert to_markdown("x", [Section("y", [table])]).splitlines()[-2:] == [r"| a \| b \| |", "| -1.5 |"]


def test_the_head_of_a_page() -> None:
    table = Table(["variant"], [["qmix"]])
    head = Section(
        "",
        [
            Lead("What to believe."),
            Beside(Chart(Picture("figures/curves", "Curves"), "{}"), table),
            Links("Made today.", [("PDF", "figures/a b.pdf"), ("MLflow", "http://h/#/x?y=z>")]),
        ],
    )
    assert to_markdown("x", [head]).splitlines()[1:] == [
        "",
        "What to believe.",
        "",
        "![Curves](figures/curves.png)",
        "",
        "*Curves*",
        "",
        "| variant |",
        "| :--- |",
        r"| qmix |",
        "",
        "Made today. · [PDF](<figures/a%20b.pdf>) · [MLflow](<http://h/#/x?y=z%3E>)",
    ]
