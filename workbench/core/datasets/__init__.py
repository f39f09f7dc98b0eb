"""Datasets: training rows that can be reviewed, trusted and traced."""
