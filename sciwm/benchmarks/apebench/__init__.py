"""APEBench's three one-dimensional scenarios: data, score and published results (Koehler et al. 2024)."""
