"""A plugin by which Hydra finds the configurations of the user's project beside those of ReMIX."""

from __future__ import annotations

from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.plugins import Plugins
from hydra.plugins.search_path_plugin import SearchPathPlugin

from remix.settings.project import check_added, own_configurations


class OwnConfigurations(SearchPathPlugin):
    """Adds the project's folder at the end of Hydra's search path."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        if (folder := own_configurations()) is not None:
            check_added(folder)
            search_path.append("project", f"file://{folder}")


def find_own_configurations() -> None:
    """Register the plugin: whatever is composed from now on finds the project's configurations."""
    Plugins.instance().register(OwnConfigurations)
