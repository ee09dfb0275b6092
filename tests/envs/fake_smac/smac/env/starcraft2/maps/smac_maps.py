"""What SMAC knows of its maps, here of some of them."""


def _map(n_agents, n_enemies, limit, races, unit_type_bits, map_type):
    return {
        "n_agents": n_agents,
        "n_enemies": n_enemies,
        "limit": limit,
        "a_race": races[0],
        "b_race": races[1],
        "unit_type_bits": unit_type_bits,
        "map_type": map_type,
    }


_REGISTRY = {
    "3m": _map(3, 3, 60, "TT", 0, "marines"),
    "8m": _map(8, 8, 120, "TT", 0, "marines"),
    "2m_vs_1z": _map(2, 1, 150, "TP", 0, "marines"),
    "2s3z": _map(5, 5, 120, "PP", 2, "stalkers_and_zealots"),
    "MMM": _map(10, 10, 150, "TT", 3, "MMM"),
    "corridor": _map(6, 24, 400, "PZ", 0, "zealots"),
}


def get_smac_map_registry():
    return _REGISTRY
