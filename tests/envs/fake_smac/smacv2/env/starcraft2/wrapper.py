"""What draws teams and hands them to the environment, and writes into the configuration that it is given."""

import random

from smacv2.env.starcraft2.starcraft2 import StarCraft2Env


class StarCraftCapabilityEnvWrapper:
    def __init__(self, **kwargs):
        self.distribution_config = config = kwargs["capability_config"]
        for env_key, distribution in config.items():
            if env_key not in ("n_units", "n_enemies"):
                distribution["env_key"] = env_key
                distribution["n_units"], distribution["n_enemies"] = config["n_units"], config["n_enemies"]
        self.env = StarCraft2Env(**kwargs)

    def reset(self):
        teams, n = self.distribution_config["team_gen"], self.distribution_config["n_units"]
        drawn = random.choices(teams["unit_types"], teams["weights"], k=n)
        more = random.choices(teams["unit_types"], teams["weights"], k=max(teams["n_enemies"] - n, 0))
        enemies = (drawn + more)[: teams["n_enemies"]]
        return self.env.reset({"team_gen": {"ally_team": drawn, "enemy_team": enemies, "id": 0}})

    def __getattr__(self, name):
        if name != "env" and hasattr(self.env, name):
            return getattr(self.env, name)
        raise AttributeError(name)

    def get_obs(self):
        return self.env.get_obs()

    def get_state(self):
        return self.env.get_state()

    def get_avail_actions(self):
        return self.env.get_avail_actions()

    def get_env_info(self):
        return self.env.get_env_info()

    def step(self, actions):
        return self.env.step(actions)

    def save_replay(self):
        self.env.save_replay()

    def close(self):
        return self.env.close()
