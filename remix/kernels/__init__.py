"""Compiled network passes for the CPU: plain functions of arrays, with their gradients."""
