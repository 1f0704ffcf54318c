"""Trajectory datasets: what they are, how windows are cut from them, what normalises them."""
