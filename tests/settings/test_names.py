"""Names from outside: which are refused, and which folders the others have."""

from __future__ import annotations

import pytest

from remix.settings.errors import SettingError
from remix.settings.names import check_name, folder_name

HOSTILE = [
    *("", ".", "..", "...", "/", "/abs", "../../x", "a/../..", "~root", "-rf", ".hidden", "name.", "a\0b"),
    *("a\nb", "con", "NUL.txt", "com1", "a:b", "a*b?", "$(touch x)", "`x`", "a;b", "a|b", "it's", 'a"b'),
    *(
        "a\u202eb",
        "\ud800",
        "x" * 300,
        "\N{GRINNING FACE}" * 64,
        "\N{GREEK SMALL LETTER PI}" * 130,
        "\t",
        "#!",
    ),
]


@pytest.mark.parametrize(
    ("text", "folder"),
    [
        ("p = -2", "p=-2"),
        ("MMM2 (skirmish)", "MMM2_(skirmish)"),
        ("algorithm/mixer=vdn,seed=1", "algorithm.mixer=vdn,seed=1"),
        ("qmix gamma 0.99", "qmix_gamma_0.99"),
        (2024, "2024"),
        (0.5, "0.5"),
        ("Jäger [1]", "Jäger_[1]"),
    ],
)
def test_ordinary_names_are_their_folders(text: object, folder: str) -> None:
    assert folder_name(text) == folder


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_any_text_has_one_safe_folder(text: str) -> None:
    name = folder_name(text)
    assert name.isprintable() and 0 < len(name.encode()) <= 255
    assert name[0] not in "-.~" and name[-1] not in ". "
    assert not set(name) & set("/<>:\"\\|?*'`$;&!")
    assert name.partition(".")[0].lower() not in ("con", "nul", "com1")


def test_different_texts_have_different_folders() -> None:
    texts = [
        *HOSTILE,
        *("x" * 300 + str(i) for i in range(3)),
        "postgresql://u:one@h",
        "postgresql://u:two@h",
    ]
    assert len({folder_name(text) for text in texts}) == len(texts)


def test_a_password_does_not_become_a_folder() -> None:
    assert "S3cret" not in folder_name("logger.mlflow.tracking_uri=postgresql://u:S3cret@h/x,seed=1")


@pytest.mark.parametrize(
    "value", ["", " ", ".", "..", "../..", "--", "a\nb", "a\0b", "\ud800", "x" * 300, None, []]
)
def test_what_is_no_name_is_refused(value: object) -> None:
    with pytest.raises(SettingError, match=r"^study.name=") as error:
        check_name("study.name", value)
    assert str(error.value).isprintable()


@pytest.mark.parametrize(
    "value", ["mine", 2024, 0.5, "p = -2", "\N{GRINNING FACE}", "\N{HEBREW LETTER ALEF}"]
)
def test_names_are_taken_as_text(value: object) -> None:
    assert check_name("study.name", value) == str(value)
