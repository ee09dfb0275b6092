"""Environment steps per second of a policy in JaxMARL's SMAX, on one core, to stand beside ours.

In an environment of its own, with ``pip install jaxmarl``: ``python tests/benchmarks/smax_rollout.py 2s3z 8``
plays 8 battles together. The network is that of our agents. The least time of many short pieces counts.
"""

import os
import sys
from time import perf_counter

import jax
import jax.numpy as jnp
from flax import linen
from jaxmarl import make
from jaxmarl.environments.smax import map_name_to_scenario

HIDDEN, STEPS, PIECES = 64, 10, 300


class Policy(linen.Module):
    """Linear - ReLU - GRU - Linear."""

    n_actions: int

    @linen.compact
    def __call__(self, hidden, obs):
        hidden, seen = linen.GRUCell(HIDDEN)(hidden, linen.relu(linen.Dense(HIDDEN)(obs)))
        return hidden, linen.Dense(self.n_actions)(seen)


def steps_per_second(map_name: str, together: int) -> float:
    env = make("HeuristicEnemySMAX", scenario=map_name_to_scenario(map_name))
    policy = Policy(env.action_space(env.agents[0]).n)

    def stacked(by_agent):
        return jnp.stack([by_agent[agent] for agent in env.agents], 1)

    def step(carry, key):
        hidden, obs, state = carry
        hidden, utilities = policy.apply(parameters, hidden, stacked(obs))
        available = stacked(jax.vmap(env.get_avail_actions)(state))
        chosen = jnp.where(available > 0, utilities, -jnp.inf).argmax(-1)
        actions = {agent: chosen[:, i] for i, agent in enumerate(env.agents)}
        keys = jax.random.split(key, together)
        obs, state, _, done, _ = jax.vmap(env.step)(keys, state, actions)
        return (jnp.where(done["__all__"][:, None, None], 0.0, hidden), obs, state), None

    @jax.jit
    def piece(carry, key):
        return jax.lax.scan(step, carry, jax.random.split(key, STEPS))[0]

    key = jax.random.PRNGKey(1)
    obs, state = jax.vmap(env.reset)(jax.random.split(key, together))
    hidden = jnp.zeros((together, len(env.agents), HIDDEN))
    parameters = policy.init(key, hidden, stacked(obs))
    carry = jax.block_until_ready(piece((hidden, obs, state), key))
    seconds = []
    for number in range(PIECES):
        start = perf_counter()
        carry = jax.block_until_ready(piece(carry, jax.random.PRNGKey(number)))
        seconds.append(perf_counter() - start)
    return together * STEPS / min(seconds)


if __name__ == "__main__":
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    os.environ["JAX_PLATFORMS"] = "cpu"
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    print(f"{steps_per_second(sys.argv[1], int(sys.argv[2])):,.0f} steps/s")
