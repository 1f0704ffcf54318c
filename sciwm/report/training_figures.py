"""The course of the training: held-out error, terms of the loss, shares of the gradient at the encoder."""

from collections.abc import Sequence
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from sciwm.errors import counted
from sciwm.loss.terms import TERMS
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

LABELS = {
    "heads_encoded": "functionals, encoded",
    "heads_rolled": "functionals, imagined",
    "ledger_tie": "ledger and heads agree",
    "inverse": "forcing read back",
    "shell": "growth outside the data",
    "variance": "latent variance",
    "covariance": "latent covariance",
    "completion": "masked inputs completed",
    "sigreg": "latent normality",
    "visreg_scale": "latent scale",
    "visreg_centre": "latent centre",
    "visreg_shape": "latent normality",
}
"""Of terms that their names alone do not explain; any other is called by its name."""

COLOURS = (
    *(BLUE, SKY, ORANGE, GREEN, YELLOW, PURPLE, GREY),
    *("#b3581a", "#44bb99", "#6a3d9a", "#b2182b", "#8c6d31", "#cc79a7", "#c9ccd1", "#4b525a", "#1b7837"),
)
"""Of terms in the order in which they are drawn; used again if there are more."""

KINDS = ("train", "gradient_norm")
"""What the history holds of a term."""
NO_TERMS = {"exploded", "physics_at_encoder", "physics_at_predictor"}
"""Of what stands under ``train.`` in the history, what says how updates went."""

PHYSICAL = frozenset(term.name for term in TERMS if term.group == "physics")
"""Terms that ``loss.physics.gradient_cap`` bounds together; those against collapse count as predictive."""


def training(results: Results) -> Illustration:
    """Three panels over all updates, phases one after the other; those of terms only where there are terms."""
    history = results.history
    names = drawn_terms(history)
    updates, boundaries = count_updates(history)
    figure = new_figure(6.4 if names else 2.6)
    heights = [0.8, 1, 1] if names else [1]
    column = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights, squeeze=False)
    panels: list[Axes] = column[:, 0].tolist()
    error = panels[0]
    marks: dict[str, Any] = {"marker": "o", "markersize": 3.5, "clip_on": False} if len(history) < 20 else {}
    error.plot(updates, _series(history, "held_out.error"), color=INK, **marks)
    steps = results.description["provenance"].get("held_out_intervals")  # of forecasts that were compared as fields
    horizon, kind = counted(steps or results.config.loss.horizon, "step"), "typical" if steps else "mean square"
    error.set(
        title=f"Held-out error over {horizon}, persistence = 1", yscale="log", ylabel=f"{kind} error\n/ persistence"
    )
    if names:
        _draw_terms(panels[1], panels[2], updates, history, names, marks)
    panels[-1].set(xlabel="updates of the weights", xlim=(0, max(updates[-1], 1)))
    for axes in panels[:2]:
        axes.margins(y=0.1)
        axes.grid(axis="y", color="#e6e8eb", linewidth=0.6)
    _mark_phases(panels, boundaries)
    matched = [label_of(term.name) for term in TERMS if term.needs and term.name in names]
    held_out = "simulations" if results.config.source is None else "runs"
    if not names:
        caption = f"Error of imagined latents on held-out {held_out}; no term of the loss was recorded."
        return illustrate(figure, "training", caption, "held-out error over training")
    caption = (
        f"Top: error of imagined latents on held-out {held_out}. Middle: every term as it enters the objective, before "
        "its weight; penalties against collapse carry theirs. Bottom: share of each weighted term in the sum of "
        f"gradient norms at the encoder, on held-out {held_out}"
        + (f" ({', '.join(matched)}: on the sensitivities that were drawn last)" if matched else "")
        + (", terms of physics above the dark line." if PHYSICAL & set(names) else ".")
    )
    return illustrate(figure, "training", caption, "held-out error, loss terms and gradient shares over training")


def is_a_course(history: Sequence[dict[str, Any]]) -> bool:
    """Whether anything changed that could be drawn: a model that stayed as least squares made it has one entry."""
    return len(history) > 1 or bool(drawn_terms(list(history)))


def _draw_terms(
    terms: Axes, shares: Axes, updates: Array, history: list[dict[str, Any]], names: list[str], marks: dict[str, Any]
) -> None:
    colours = dict(zip(names, cycle(COLOURS), strict=False))
    for name in names:
        values = _series(history, f"train.{name}")
        logarithmic = np.where(values > 0, values, np.nan)  # zero has no place on a logarithmic axis
        terms.plot(updates, logarithmic, color=colours[name], label=label_of(name), **marks)
    terms.set(title="Terms of the loss, most of them 1 for a trivial model", yscale="log", ylabel="term")
    terms.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0, alignment="left")
    _draw_shares(shares, updates, history, colours)
    shares.set(title="Gradient at the encoder, by term", ylabel="share of\ngradient norm", ylim=(0, 1))


def drawn_terms(history: list[dict[str, Any]]) -> list[str]:
    """Names of all terms that the history holds and that were ever above zero, terms of physics last.

    Args:
        history: one entry per epoch, with the value of each term under ``train.NAME`` and the norm of its gradient
            under ``gradient_norm.NAME``.
    """
    split = [key.partition(".") for entry in history for key in entry]
    held = dict.fromkeys(name for kind, _, name in split if kind in KINDS and name not in NO_TERMS)
    order = {term.name: number for number, term in enumerate(TERMS)}
    positive = (n for n in held if any((_series(history, f"{kind}.{n}") > 0).any() for kind in KINDS))
    return sorted(positive, key=lambda name: (name in PHYSICAL, order.get(name, len(order))))


def label_of(name: str) -> str:
    """A term in words."""
    return LABELS.get(name, name.replace("_", " "))


def count_updates(history: list[dict[str, Any]]) -> tuple[Array, list[int]]:
    """Updates counted through all phases, and the counts at which a new phase begins."""
    counts: list[int] = []
    boundaries: list[int] = []
    for before, entry in zip([None, *history], history, strict=False):
        if before is not None and entry["phase"] != before["phase"]:
            boundaries.append(counts[-1])
        counts.append(entry["update"] + (boundaries[-1] if boundaries else 0))
    return np.array(counts), boundaries


def _draw_shares(axes: Axes, updates: Array, history: list[dict[str, Any]], colours: dict[str, str]) -> None:
    """Shares of the terms in ``colours``, stacked in this order, and a line below those of physics."""
    norms = [np.nan_to_num(_series(history, f"gradient_norm.{name}")) for name in colours]  # none where not measured
    stacked = norms / np.maximum(np.sum(norms, axis=0), np.finfo(float).tiny)
    axes.stackplot(updates, stacked, colors=list(colours.values()), linewidth=0.4, edgecolor="white")
    predictive = [name not in PHYSICAL for name in colours]
    if not all(predictive):
        axes.plot(updates, stacked[predictive].sum(axis=0), color=INK, linewidth=1.2)


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
