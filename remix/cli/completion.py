"""Tab completion of commands, settings and values, with Hydra's own engine behind the subcommands."""

from __future__ import annotations

import os
from pathlib import Path

from remix.cli.shell_words import split
from remix.settings.errors import SettingError, one_of

HYDRA_COMMANDS = ("train", "evaluate", "watch", "record", "export", "search", "check", "warmup")

# The shell evaluates none of the choices: `read -r` takes them as they are, and `query bash` has quoted them.
_BASH = """\
_remix() {
    local choice
    COMPREPLY=()
    while IFS= read -r choice; do
        COMPREPLY+=("$choice")
    done < <(COMP_LINE="${COMP_LINE:0:COMP_POINT}" COMP_WORDBREAKS="$COMP_WORDBREAKS" \\
        command remix completion query bash 2>/dev/null)
}
COMP_WORDBREAKS=${COMP_WORDBREAKS//=}
complete -o nospace -o default -F _remix remix
"""

_ZSH = """\
_remix() {
    local -a choices
    choices=("${(@f)$(COMP_LINE="${(j: :)words[1,CURRENT-1]} $QIPREFIX$PREFIX" \\
        command remix completion query 2>/dev/null)}")
    choices=("${choices[@]% }")
    compadd -S '' -a -- choices || _files
}
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
compdef _remix remix
"""

_FISH = """\
complete -c remix -f -a '(COMP_LINE=(commandline -cp | string collect) command remix completion query \
    2>/dev/null | string trim --right)'
"""

SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def main(arguments: list[str]) -> None:
    """Print a shell's script, or answer the query such a script makes.

    ``query`` answers with whole words as they are, ``query bash`` with what is to stand in the place of the
    word's unfinished part, quoted.
    """
    shell = arguments[0] if arguments else "bash"
    if shell == "query":
        _answer(os.environ.get("COMP_LINE", ""), quoted="bash" in arguments[1:])
        return
    if shell not in SCRIPTS:
        raise SettingError("shell", shell, one_of(SCRIPTS, shell))
    print(SCRIPTS[shell], end="")


def choices(line: str) -> list[str]:
    """The words that may stand at the end of an unfinished command line, whole and not quoted."""
    words, last = split(line)
    return _choices([*words, last.text])


def _answer(line: str, quoted: bool) -> None:
    """Print the choices; none if something goes wrong, as nobody reads messages while typing."""
    breaks = os.environ.get("COMP_WORDBREAKS", "")
    words, last = split(line, breaks)
    try:
        found = _choices([*words, last.text])
    except Exception:
        return
    for choice in found:
        if choice.isprintable() and choice.startswith(last.text):
            print(last.replacement(choice) if quoted else choice)


def _choices(words: list[str]) -> list[str]:
    """:param words: of the command line, the unfinished one at its end."""
    from remix.cli.command import COMMANDS

    word = words[-1]
    if len(words) <= 2:
        return [f"{command} " for command in COMMANDS if command.startswith(word)]
    setting, equals, value = word.rpartition("=")
    if value.startswith((".", "/", "~/")):
        return [f"{setting}{equals}{path}" for path in _files(value)]
    return _settings(words[1], words[2:]) if words[1] in HYDRA_COMMANDS else []


def _files(start: str) -> list[str]:
    """Paths that begin as given; folders end in a slash."""
    folder, _, name = start.rpartition("/")
    folder += "/" if "/" in start else ""
    place = Path(folder).expanduser()
    if not place.is_dir():
        return []
    found = sorted(path for path in place.iterdir() if path.name.startswith(name))
    return [f"{folder}{path.name}{'/' if path.is_dir() else ''}" for path in found]


def _settings(command: str, words: list[str]) -> list[str]:
    """What Hydra offers for the last of the words, with the settings before it."""
    from hydra._internal.config_loader_impl import ConfigLoaderImpl
    from hydra._internal.utils import create_config_search_path
    from hydra.plugins.completion_plugin import DefaultCompletionPlugin
    from omegaconf import OmegaConf

    from remix.runs.own_configurations import find_own_configurations

    find_own_configurations()
    # Nothing is run here, so that no folder is made.
    for name in ("run_directory", "folder_name"):
        OmegaConf.register_new_resolver(name, lambda *_: "", replace=True)
    loader = ConfigLoaderImpl(config_search_path=create_config_search_path("pkg://remix.conf"))
    # Hydra splits the line at blanks. Words with blanks, and words that are no settings, change no choices.
    settings = [word for word in words[:-1] if "=" in word and not any(c.isspace() for c in word)]
    if any(c.isspace() for c in words[-1]):
        return []
    line = " ".join([*settings, words[-1]])
    found: list[str] = DefaultCompletionPlugin(loader)._query(config_name=command, line=line)
    return [choice for choice in found if "/_" not in choice and "=_" not in choice]
