"""Tendencies: what a latent changes by, apart from the integrator that advances it."""
