"""From the environment to a batch: workers, episodes, replay, policy, and the data module."""
