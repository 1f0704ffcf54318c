"""Scores of ensembles: fair CRPS, spread-skill ratio and ranks."""

import torch
from torch import Tensor


def fair_crps(members: Tensor, truth: Tensor) -> Tensor:
    """The continuous ranked probability score of an ensemble, fair to its size.

        mean_i |x_i - y|  -  1 / (2 M (M - 1)) sum_ij |x_i - x_j|

    Its expectation is smallest for members drawn like the truth, whatever their number M (Ferro 2014,
    doi:10.1002/qj.2270, eq. 8). It has the units of the variable; of a single number it is the absolute error.

    Args:
        members: ``(member, ...)``, at least two.
        truth: ``(...)``.
    """
    count = len(members)
    ordered = members.sort(dim=0).values
    place = torch.arange(1, count + 1).to(members).reshape(-1, *(1,) * truth.ndim)
    differences = 2 * ((2 * place - count - 1) * ordered).sum(dim=0)
    return (members - truth).abs().mean(dim=0) - differences / (2 * count * (count - 1))


def spread_skill(variance: Tensor, square_error: Tensor, members: int) -> Tensor:
    """The spread over the error of the mean: 1 for members drawn like the truth.

    Args:
        variance: The mean variance of the members, with ``M - 1`` in its denominator.
        square_error: The mean squared error of their mean.
        members: Their number M; the mean of M has an error of ``(M + 1) / M`` times their variance (Fortin et al. 2014,
            doi:10.1175/JHM-D-14-0008.1, eq. 15).
    """
    return ((members + 1) / members * variance / square_error).sqrt()


def ranks(members: Tensor, truth: Tensor) -> Tensor:
    """The number of members below the truth, ``(...)``: all are equally likely for members drawn like it."""
    return (members < truth).sum(dim=0)
