"""Tab completion: file names and choices come whole, quoted, and nothing of them is evaluated."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from remix.cli import completion
from remix.cli.shell_words import split
from tests.command_line import CommandLine

HOSTILE = [
    "aa$(touch PWNED).ckpt",
    "bb`touch PWNED`.ckpt",
    "cc;touch PWNED",
    "dd && touch PWNED",
    "it's $HOME * [a].ckpt",
    "two  blanks.ckpt",
    'quo"te.ckpt',
    "colon:s.ckpt",
    "{braces,x}.ckpt",
    "back\\slash.ckpt",
    "-rf",
    "ünï.ckpt",
]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of files whose names are commands; it is the working directory."""
    monkeypatch.chdir(tmp_path)
    for name in HOSTILE:
        Path(name).touch()
    Path("line\nbreak").touch()
    Path("folder x").mkdir()
    return tmp_path


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    """With the ``remix`` of this Python on the path, and the code of this checkout."""
    scripts, code = Path(sys.executable).parent, Path(completion.__file__).parents[2]
    return {**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(code)}


def bash(script: str, *arguments: str, environment: dict[str, str] | None = None) -> list[str]:
    """What a script prints, each piece ended by a NUL."""
    command = ["bash", "-c", script, "bash", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.split("\0")[:-1]


def test_bash_gets_whole_words_that_are_safe_to_run(files: Path, environment: dict[str, str]) -> None:
    """Each choice is evaluated as the shell would after Enter."""
    complete = """
        eval "$(remix completion bash)"
        COMP_LINE=$1 COMP_POINT=${#1} COMP_WORDS=(remix train "${1##* }") COMP_CWORD=2
        _remix
        for choice in "${COMPREPLY[@]}"; do eval "set -- $choice"; printf '%s\\0' "$*"; done
    """
    words = bash(complete, "remix train ckpt_path=./", environment=environment)
    assert sorted(words) == sorted(f"ckpt_path=./{name}" for name in (*HOSTILE, "folder x/"))
    assert not Path("PWNED").exists()


@pytest.mark.parametrize("opened", ["", "'", '"', "x'", 'x"', "'x'"])
def test_words_are_completed_within_quotes(opened: str) -> None:
    """The shell reads what was typed, the replacement and the closing mark as the file's name."""
    _, last = split(f"remix train {opened}", "'\":")
    words = [f"{opened}{last.replacement(last.text + name)}{last.quote}" for name in HOSTILE]
    lines = [f"set -- {word}; printf '%s\\0' \"$*\"" for word in words]
    assert bash("\n".join(lines)) == [last.text + name for name in HOSTILE]


@pytest.mark.parametrize(
    ("line", "words", "text", "kept", "quote"),
    [
        ("remix train a=b", ["remix", "train"], "a=b", 0, ""),
        ("remix  train ", ["remix", "train"], "", 0, ""),
        (r"remix train a=./b\ c", ["remix", "train"], "a=./b c", 0, ""),
        ("remix 'a b' c", ["remix", "a b"], "c", 0, ""),
        ("remix a='b c", ["remix"], "a=b c", 2, "'"),
        ('remix "a=$x `y', ["remix"], "a=$x `y", 0, '"'),
        (r'remix "a\"b\c', ["remix"], r'a"b\c', 0, '"'),
        ("remix a='b'c", ["remix"], "a=bc", 3, ""),
        ("remix id=odd:va", ["remix"], "id=odd:va", 7, ""),
        ("remix '' x", ["remix", ""], "x", 0, ""),
        ("remix a\\", ["remix"], "a", 0, ""),
    ],
)
def test_lines_are_read_as_by_a_shell(line: str, words: list[str], text: str, kept: int, quote: str) -> None:
    read, last = split(line, ":'\"")
    assert read == words
    assert (last.text, last.kept, last.quote) == (text, kept, quote)


@pytest.mark.parametrize(
    "line",
    [
        "remix train 'env.pun",
        "remix train seed=$(touch PWNED) env.punish",
        "remix train seed=${oc.env:HOME} run_",
        "remix train hydra.run.dir=",
        "remix train ${run_directory:} env.",
        "remix train env=nope env.",
        "remix train run_dir=`x` seed=[1, run",
        "remix train \\",
        "remix train ckpt_path=/proc/1/root/",
        "remix train ckpt_path=./\udcff",
        "remix train -m seed=1,2 study=custom study.name=x run_dir=",
        "remix nothing x",
        "remix",
        "",
    ],
    ids=ascii,
)
def test_no_line_is_answered_with_an_error_or_a_trace(
    remix: CommandLine, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    monkeypatch.setenv("COMP_LINE", line)
    for query in (["query"], ["query", "bash"]):
        outcome = remix("completion", *query)
        assert (outcome.code, outcome.err) == (0, "")
    assert list(remix.home.iterdir()) == []


def test_settings_come_with_weird_words_before_them(
    remix: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMP_LINE", "remix train run_name='a b' seed=${oc.env:HOME} env.punish")
    assert remix("completion", "query").out.splitlines() == ["env.punishment="]


@pytest.mark.skipif(shutil.which("fish") is None, reason="needs the fish shell")
def test_fish_gets_files_as_they_are(files: Path, environment: dict[str, str]) -> None:
    script = "remix completion fish | source; complete -C 'remix train ckpt_path=./'"
    done = subprocess.run(
        ["fish", "-N", "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert set(done.stdout.splitlines()) == {f"ckpt_path=./{name}" for name in (*HOSTILE, "folder x/")}
    assert not Path("PWNED").exists()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts_are_valid(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"needs {shell}")
    done = subprocess.run([shell, "-n"], input=completion.SCRIPTS[shell], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
