"""The course of the training: held-out error, terms of the loss, shares of the gradient at the encoder."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from sciwm.errors import counted
from sciwm.report.contents import Results
from sciwm.report.drawing import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    SKY,
    YELLOW,
    Array,
    Illustration,
    illustrate,
    new_figure,
)

TERMS = {
    "one_step": ("one step", BLUE),
    "rollout": ("rollout", SKY),
    "budget": ("budget", ORANGE),
    "heads_encoded": ("functionals, encoded", GREEN),
    "heads_rolled": ("functionals, imagined", YELLOW),
    "ledger_tie": ("ledger and heads agree", "#b3581a"),
    "twins": ("twins", PURPLE),
    "tangents": ("tangents", "#cc79a7"),
    "adjoints": ("adjoints", "#6a3d9a"),
    "inverse": ("forcing read back", "#8c6d31"),
    "shell": ("growth outside the data", "#b2182b"),
    "reconstruction": ("reconstruction", "#44bb99"),
    "variance": ("latent variance", "#4b525a"),
    "covariance": ("latent covariance", "#a3aab2"),
    "completion": ("masked inputs completed", "#c9ccd1"),
    "sigreg": ("latent normality", GREY),
    "visreg_scale": ("latent scale", "#4b525a"),
    "visreg_centre": ("latent centre", "#c9ccd1"),
    "visreg_shape": ("latent normality", GREY),
}
"""Every term of ``loss.objective``: its name in words and its colour."""


def training(results: Results) -> Illustration:
    """Three panels over all updates, phases one after the other."""
    history = results.history
    updates, boundaries = count_updates(history)
    figure = new_figure(6.4)
    panels: Sequence[Axes] = figure.subplots(3, 1, sharex=True, height_ratios=[0.8, 1, 1])
    error, terms, shares = panels
    marks: dict[str, Any] = {"marker": "o", "markersize": 3.5, "clip_on": False} if len(history) < 20 else {}
    error.plot(updates, _series(history, "held_out.error"), color=INK, **marks)
    horizon = counted(results.config.loss.horizon, "step")
    error.set(
        title=f"Held-out error over {horizon}, persistence = 1", yscale="log", ylabel="mean square error\n/ persistence"
    )
    for name, (label, color) in TERMS.items():
        if f"train.{name}" in history[-1]:
            values = _series(history, f"train.{name}")
            if (values > 0).any():  # a term that is exactly zero has no place on a logarithmic axis
                terms.plot(updates, np.where(values > 0, values, np.nan), color=color, label=label, **marks)
    terms.set(title="Terms of the loss, most of them 1 for a trivial model", yscale="log", ylabel="term")
    shown = [name for name in TERMS if f"gradient_norm.{name}" in history[-1]]
    norms = [np.nan_to_num(_series(history, f"gradient_norm.{name}")) for name in shown]  # none before it counts
    total = np.maximum(np.sum(norms, axis=0), np.finfo(float).tiny)
    shares.stackplot(
        updates, norms / total, colors=[TERMS[name][1] for name in shown], linewidth=0.4, edgecolor="white"
    )
    shares.set(
        title="Gradient at the encoder, by term",
        xlabel="updates of the weights",
        ylabel="share of\ngradient norm",
        ylim=(0, 1),
    )
    shares.set_xlim(0, updates[-1])
    terms.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0, alignment="left")
    for axes in (error, terms):
        axes.margins(y=0.1)
        axes.grid(axis="y", color="#e6e8eb", linewidth=0.6)
    _mark_phases(panels, boundaries)
    caption = (
        "Top: error of imagined latents on held-out simulations. Middle: every term as it enters the objective, before "
        "its weight. Bottom: share of each weighted term in the sum of gradient norms at the encoder, on held-out "
        "simulations; those of twins, tangents and adjoints on their own."
    )
    return illustrate(figure, "training", caption, "held-out error, loss terms and gradient shares over training")


def count_updates(history: list[dict[str, Any]]) -> tuple[Array, list[int]]:
    """Updates counted through all phases, and the counts at which a new phase begins."""
    counts: list[int] = []
    boundaries: list[int] = []
    for before, entry in zip([None, *history], history, strict=False):
        if before is not None and entry["phase"] != before["phase"]:
            boundaries.append(counts[-1])
        counts.append(entry["update"] + (boundaries[-1] if boundaries else 0))
    return np.array(counts), boundaries


def _series(history: list[dict[str, Any]], key: str) -> Array:
    """One number per epoch, nan where it was not measured."""
    return np.array([entry.get(key, np.nan) for entry in history], dtype=float)


def _mark_phases(panels: Sequence[Axes], boundaries: list[int]) -> None:
    for number, boundary in enumerate(boundaries, start=1):
        for axes in panels:
            axes.axvline(boundary, color=INK, linewidth=0.8, linestyle=(0, (2, 2)))
        panels[0].annotate(
            f"on-policy round {number}",
            (boundary, 1),
            xycoords=panels[0].get_xaxis_transform(),
            xytext=(4, -2),
            textcoords="offset points",
            va="top",
        )
