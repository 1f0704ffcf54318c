"""Spaces in which latents live, and the linear and quadratic maps that each allows."""
