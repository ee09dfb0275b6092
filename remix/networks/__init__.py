"""Networks: plain ``nn.Module``s that know nothing of training loops or configuration.

Everything works on *packed* rows. A batch of episodes of different lengths is laid out time-major without
padding: M rows, one per (time step, episode), where ``batch_sizes[t]`` episodes are still running at step t
and the episodes are ordered from the longest to the shortest (the layout of
``torch.nn.utils.rnn.PackedSequence``). Work is thus done for real time steps only.
"""
