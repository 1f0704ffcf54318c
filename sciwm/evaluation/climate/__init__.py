"""Statistics of long runs: spectra, distributions and functionals, and how many runs blow up."""
