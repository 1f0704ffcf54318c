"""What can be read from a latent, and for how long after it is let loose."""
