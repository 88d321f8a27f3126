"""Measurements, side by side in one run, as ratios. `python -m benchmarks` prints the table."""
