"""Reaching a Ray cluster, or saying in one line why not."""

import sys

import pytest

from remix.learning.workers.cluster import check_resources, connect
from remix.settings.errors import SettingError


def test_without_ray(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(SettingError, match=r"address=local: needs the package Ray: pip install 'remix-marl"):
        connect("local")


@pytest.mark.parametrize("scheme", ["", "ray://"])
def test_nobody_at_the_address(scheme, monkeypatch):
    """Ray itself would go on trying for minutes."""
    pytest.importorskip("ray")
    monkeypatch.setenv("RAY_ADDRESS", f"{scheme}127.0.0.1:1")
    for address in (f"{scheme}127.0.0.1:1", "auto"):
        with pytest.raises(SettingError, match=rf"address={address}: no Ray cluster can be reached"):
            connect(address)


@pytest.mark.parametrize("address", ["auto", "nonsense", "host:port"])
def test_no_address(address, monkeypatch):
    pytest.importorskip("ray")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    with pytest.raises(SettingError, match=rf"address={address}: no Ray cluster can be reached"):
        connect(address)


class Cluster:
    """What a cluster says of its machines."""

    @staticmethod
    def nodes():
        return [
            {"Alive": True, "Resources": {"CPU": 8.0, "GPU": 1.0}},
            {"Alive": True, "Resources": {"CPU": 16.0}},
            {"Alive": False, "Resources": {"CPU": 64.0}},
        ]


def test_what_no_machine_has_is_refused():
    check_resources(Cluster, {"num_cpus": ("CPU", 8), "num_gpus": ("GPU", 0.25)})
    with pytest.raises(
        SettingError, match=r"num_cpus=32: must be at most 16: no machine of the cluster has more$"
    ):
        check_resources(Cluster, {"num_cpus": ("CPU", 32)})
    with pytest.raises(SettingError, match=r"num_gpus=2: must be at most 1: .* beside num_cpus=8$"):
        check_resources(Cluster, {"num_cpus": ("CPU", 8), "num_gpus": ("GPU", 2)})
    with pytest.raises(SettingError, match=r"num_gpus=1: must be at most 0: .* beside num_cpus=16$"):
        check_resources(Cluster, {"num_cpus": ("CPU", 16), "num_gpus": ("GPU", 1)})
