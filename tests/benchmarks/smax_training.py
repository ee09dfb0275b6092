"""What QMIX costs in JaxMARL on a SMAX map, on one core, to stand beside our battles.

Runs JaxMARL's own ``baselines/QLearning/qmix_rnn.py`` from a checkout of it, in an environment of its own
with ``pip install "jaxmarl[algs]"``: ``python tests/benchmarks/smax_training.py CHECKOUT 2s3z 32`` trains on
8 battles together, with an update of 32 sequences after each 120 steps of all. The widths are those of our
QMIX. Nothing is evaluated or logged. Two lengths are timed and subtracted, so that neither compiling nor
starting counts, and runs with and without updates, so that an update's cost shows. Every environment step is
replayed as often as in ``make bench ARGS=battle_training``: four times at 32, 16 times at 128.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

TOGETHER, STEPS, HIDDEN, MIXER, HYPERNETWORK = 8, 120, 64, 32, 64
ROUNDS, REPEATS = 30, 5


def settings(map_name: str, batch_size: int, rounds: int, learns: bool) -> dict[str, Any]:
    return {
        "TOTAL_TIMESTEPS": rounds * TOGETHER * STEPS,
        "NUM_ENVS": TOGETHER,
        "NUM_STEPS": STEPS,
        "BUFFER_SIZE": 5000,
        "BUFFER_BATCH_SIZE": batch_size,
        "HIDDEN_SIZE": HIDDEN,
        "MIXER_EMBEDDING_DIM": MIXER,
        "MIXER_HYPERNET_HIDDEN_DIM": HYPERNETWORK,
        "MIXER_INIT_SCALE": 0.001,
        "EPS_START": 1.0,
        "EPS_FINISH": 0.05,
        "EPS_DECAY": 0.1,
        "MAX_GRAD_NORM": 10,
        "TARGET_UPDATE_INTERVAL": 200,
        "TAU": 1.0,
        "NUM_EPOCHS": 1,
        "LR": 0.001,
        "LEARNING_STARTS": 0 if learns else 10**9,
        "GAMMA": 0.99,
        "REW_SCALE": 10.0,
        "ENV_NAME": "HeuristicEnemySMAX",
        "MAP_NAME": map_name,
        "ENV_KWARGS": {},
        "TEST_DURING_TRAINING": False,
        "TEST_NUM_ENVS": TOGETHER,
        "WANDB_MODE": "disabled",
    }


def least_seconds(run: Callable[[], Any]) -> float:
    """The least time of several runs, the first of which compiles and is left out."""
    run()
    seconds = []
    for _ in range(REPEATS):
        start = perf_counter()
        run()
        seconds.append(perf_counter() - start)
    return min(seconds)


def seconds_per_round(map_name: str, batch_size: int, learns: bool) -> float:
    import jax
    import qmix_rnn

    def timed(rounds: int) -> float:
        config = settings(map_name, batch_size, rounds, learns)
        env, _ = qmix_rnn.env_from_config(config)
        train = jax.jit(qmix_rnn.make_train(config, env))
        return least_seconds(lambda: jax.block_until_ready(train(jax.random.PRNGKey(1))))

    # Its buffer gives nothing before it has as many rounds as a batch has sequences.
    return (timed(batch_size + 2 * ROUNDS) - timed(batch_size + ROUNDS)) / ROUNDS


def main(checkout: str, map_name: str, batch_size: int) -> None:
    sys.path.insert(0, str(Path(checkout) / "baselines" / "QLearning"))
    steps, replayed = TOGETHER * STEPS, batch_size * STEPS
    rollout = seconds_per_round(map_name, batch_size, learns=False)
    training = seconds_per_round(map_name, batch_size, learns=True)
    print(f"{map_name}, {TOGETHER} together, batches of {batch_size}")
    print(f"  rollout   {steps / rollout:9,.0f} steps/s")
    print(f"  update    {(training - rollout) / replayed * 1e6:9.1f} us per replayed step")
    print(f"  training  {steps / training:9,.0f} steps/s")


if __name__ == "__main__":
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
