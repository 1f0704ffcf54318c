"""Control tasks under classical and under optimal controllers."""
