"""Where a page comes from: date, machine, commit, seeds, data, weights, versions."""

import datetime
import platform
from importlib.metadata import version

from markupsafe import Markup

from sciwm.provenance import machine, source_commit
from sciwm.report.contents import Results
from sciwm.version import __version__

PACKAGES = ("torch", "neuraloperator", "numpy", "scipy", "xarray", "zarr", "netCDF4", "matplotlib")


def origin_rows(results: Results) -> list[tuple[str, str | Markup]]:
    """What made the model and the page, one row each."""
    description, now = results.description, datetime.datetime.now(datetime.UTC)
    trained = description["provenance"]
    sets = [*trained["training_sets"], *([trained["sensitivity_set"]] if "sensitivity_set" in trained else [])]
    written = Markup('<time datetime="{}">{}</time>').format(
        now.isoformat(timespec="seconds"), now.strftime("%Y-%m-%d %H:%M UTC")
    )
    return [
        ("page written", written),
        ("page written on", machine()),
        ("commit of the source tree", source_commit()),
        ("seed", f"{results.config.seed}, from which every random draw derives"),
        ("model trained with", f"sciwm {description['sciwm']}, torch {description['torch']}"),
        ("sha256 of the weights", Markup("<code>{}</code>").format(description["sha256"])),
        *(
            (f"sha256 of {one['name']}", Markup("<code>{}</code>").format(one["sha256"]))
            for one in sets
            if "sha256" in one
        ),
    ]


def stage_times(results: Results) -> dict[str, float]:
    """Wall time of every stage that has run, but for the page's own, which has not ended yet."""
    times: dict[str, float] = results.metrics.get("time", {})
    return {stage.replace("_", " "): seconds for stage, seconds in times.items() if stage != "report"}


def package_versions() -> dict[str, str]:
    """Of what this page was written with."""
    return {"sciwm": __version__, "python": platform.python_version()} | {name: version(name) for name in PACKAGES}
