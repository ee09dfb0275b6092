"""Projection weights: how much each transition counts when Q_tot is fitted to its target.

A weighting maps values of K transitions to K weights. It holds no network and no state, and the weights are
constants for the gradient. One file per weighting; a new one is a file here and a YAML in
``conf/algorithm/weighting``.
"""
