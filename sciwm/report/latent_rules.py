"""The rules for what a latent holds: what can be read from it, and what surprises it."""

import numpy as np
import xarray as xr

from sciwm.evaluation.suite import Measure, share_of
from sciwm.report.contents import Results
from sciwm.report.drawing import TIME_UNITS
from sciwm.report.finding import WEAK, Finding, at_least, highest, lower_end, lowest, upper_end
from sciwm.report.numbers import in_text
from sciwm.report.rule import NOTICED, READABLE, Rule, between, groups_of

UNNOTICED = 0.6
"""AUROC that no possible flow may exceed."""


def probing(results: Results, found: xr.Dataset) -> Finding:
    """What can be read from rolled latents, against an untrained encoder, persistence and the time alone."""
    best = found["within_r2"].isel(horizon=0, drop=True).fillna(-np.inf).argmax("probe")
    followed = found[["within_r2", "within_r2_low", "within_r2_high"]].isel(probe=best)
    read = followed.isel(target=np.flatnonzero(found["kind"].values != "parameter"))

    def median(name: str, horizon: int) -> float:
        one = read["within_r2"].sel(representation=name).isel(horizon=horizon)
        return float(one.where(np.isfinite(one), -np.inf).median("target"))

    ours = read.sel(representation="world_model").isel(horizon=-1)
    low, high = (float(ours[f"within_r2_{end}"].median("target")) for end in ("low", "high"))
    lead = float(found["lead_time"][-1])
    when = f"after {lead:g} {TIME_UNITS} of rollout"
    measure = Measure(f"R² within simulations {when}, median over targets", median("world_model", -1), (low, high))
    others = [str(r) for r in found["representation"].values if r != "world_model"]
    words = [f"{_spoken(name)}: {_r_squared(median(name, -1))}" for name in others]
    encoded = {
        name: median(name, 0) for name in ("world_model", "untrained_encoder") if name in found["representation"]
    }
    at_start = ", ".join(f"{_spoken(name)} {_r_squared(value)}" for name, value in encoded.items())
    beaten = [_spoken(name) for name in others if median(name, -1) >= measure.value]
    wrong = f"no better than {' and '.join(beaten)}" if beaten else ""
    return at_least(READABLE, measure, f"{'; '.join(words)}; without a rollout: {at_start}", also=wrong)


def surprise(results: Results, found: xr.Dataset) -> Finding:
    """The violation that is noticed least in the latent; if all are noticed, what else decides: false alarms first."""
    latent = found.sel(detector="latent", size=found["default_size"])
    made, possible = (found["violation"].values[found["control"].values == control] for control in (False, True))
    least = lowest(_detection(latent.sel(violation=v), "violation noticed least") for v in made)
    share = float(latent["false_alarms"].isel(violation=0))
    alarms = _in_percent(share_of("alarms without a violation", share, len(np.unique(groups_of(found, "trajectory")))))
    allowed = 100 * float(found.attrs.get("allowed_false_alarms", share))

    told, against = {least: f"{least.meaning}: {_with_interval(least)}"}, {}
    if len(possible):
        most = highest(_detection(latent.sel(violation=v), "possible flow noticed most") for v in possible)
        told[most] = f"possible flows: at most {_with_interval(most)}"
    told[alarms] = f"false alarms: {_with_interval(alarms)}, allowed {in_text(allowed)} %"
    if alarms.interval is not None and alarms.interval[0] > allowed:
        against[alarms] = f"{in_text(alarms.value)} % false alarms where {in_text(allowed)} % are allowed"
    if len(possible) and upper_end(most) > UNNOTICED:
        against[most] = f"a possible flow reaches {in_text(upper_end(most))}"

    reasons = "; ".join(against.values())
    if against and lower_end(least) >= NOTICED:
        decides = next(iter(against))
        return Finding(WEAK, decides, _beside(decides, told), reasons)
    return at_least(NOTICED, least, _beside(least, told), also=reasons)


def _detection(one: xr.Dataset, what: str) -> Measure:
    """AUROC of one violation, or of one possible flow."""
    name = str(one["violation"].item()).replace("_", " ")
    interval = float(one["auroc_low"]), float(one["auroc_high"])
    return Measure(f"AUROC of the {what} ({name})", float(one["auroc"]), interval)


def _beside(judged: Measure, told: dict[Measure, str]) -> str:
    """What a measure of surprise is compared with: chance, and all the others."""
    return "; ".join(["AUROC of chance: 0.5", *(words for measure, words in told.items() if measure is not judged)])


def _in_percent(share: Measure) -> Measure:
    interval = None if share.interval is None else (100 * share.interval[0], 100 * share.interval[1])
    return Measure(share.meaning, 100 * share.value, interval, "%")


def _with_interval(measure: Measure) -> str:
    return f"{in_text(measure.value)}{f' {measure.unit}' if measure.unit else ''}{between(measure)}"


def _r_squared(value: float) -> str:
    """What is far worse than the mean need not be told how much."""
    return in_text(value) if value >= -1 else "below -1"


def _spoken(representation: str) -> str:
    return {"pca": "PCA of the fields", "lookup": "time alone"}.get(representation, representation.replace("_", " "))


LATENT_RULES: dict[str, Rule] = {
    "probing": Rule(
        f"at least {READABLE:g}, and above all that it is compared with",
        ("within_r2", "within_r2_low", "within_r2_high", "kind"),
        probing,
    ),
    "surprise": Rule(
        f"at least {NOTICED:g} for every violation, at most {UNNOTICED:g} for every possible flow, and false alarms "
        "whose 95 % interval does not lie above what is allowed",
        ("auroc", "auroc_low", "auroc_high", "false_alarms", "control", "default_size", "smallest_detectable"),
        surprise,
    ),
}
