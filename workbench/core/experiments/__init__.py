"""Experiments: requests times models times seeds, with metrics, statistics and blind ratings."""
