"""Control tasks played by classical and by optimal controllers."""
