"""Tab completion of commands, settings and values, with Hydra's own engine behind the subcommands."""

from __future__ import annotations

import os

from envs.errors import SettingError, one_of

HYDRA_COMMANDS = ("train", "evaluate", "watch", "search")

_BASH = """\
_remix() {
    local word="${COMP_LINE:0:COMP_POINT}"
    word="${word##* }"
    local choices
    choices=$(COMP_LINE="${COMP_LINE:0:COMP_POINT}" remix completion query 2>/dev/null)
    COMPREPLY=($(compgen -W "$choices" -- "$word"))
}
COMP_WORDBREAKS=${COMP_WORDBREAKS//=}
complete -o nospace -o default -F _remix remix
"""

_ZSH = "autoload -Uz bashcompinit && bashcompinit\n" + _BASH

_FISH = """\
complete -c remix -f -a '(COMP_LINE=(commandline -cp) remix completion query 2>/dev/null)'
"""

SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def main(arguments: list[str]) -> None:
    """Print a shell's script, or answer the query such a script makes."""
    shell = arguments[0] if arguments else "bash"
    if shell == "query":
        print("\n".join(choices(os.environ.get("COMP_LINE", ""))))
        return
    if shell not in SCRIPTS:
        raise SettingError("shell", shell, one_of(SCRIPTS, shell))
    print(SCRIPTS[shell], end="")


def choices(line: str) -> list[str]:
    """What may stand where the unfinished command line ends."""
    from remix.cli import COMMANDS

    words = line.split(" ")
    if len(words) <= 2:
        return [f"{command} " for command in COMMANDS if command.startswith(words[-1])]
    if words[1] not in HYDRA_COMMANDS:
        return []
    from hydra._internal.config_loader_impl import ConfigLoaderImpl
    from hydra._internal.utils import create_config_search_path
    from hydra.core.plugins import Plugins
    from hydra.plugins.completion_plugin import DefaultCompletionPlugin

    from remix.config import register_resolvers

    register_resolvers()
    Plugins.instance()
    loader = ConfigLoaderImpl(config_search_path=create_config_search_path("pkg://conf"))
    found: list[str] = DefaultCompletionPlugin(loader)._query(config_name=words[1], line=" ".join(words[2:]))
    return [choice for choice in found if "/_" not in choice and "=_" not in choice]
