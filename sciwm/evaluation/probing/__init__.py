"""Probing: which quantities a regression reads from a latent, encoded or rolled out."""

from sciwm.evaluation.probing.given_functionals import read_functionals
from sciwm.evaluation.probing.probes import Array, Probe, network_probe, ridge_probe
from sciwm.evaluation.probing.probing import probe
from sciwm.evaluation.probing.samples import encode, flat, read_samples

__all__ = [
    "Array",
    "Probe",
    "encode",
    "flat",
    "network_probe",
    "probe",
    "read_functionals",
    "read_samples",
    "ridge_probe",
]
