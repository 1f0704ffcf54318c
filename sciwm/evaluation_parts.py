"""The parts of an evaluation: the one list of their names, in the order in which they are measured and shown.

Configuration, command line, evaluation suite and report read it. ``sciwm.evaluation.suite.parts`` says how a part
is measured, ``sciwm.report.part_sections`` how it is shown.
"""

EVALUATION_PARTS = {
    "rollouts": "forecasts of the test set from its first instants",
    "budgets": "budgets of functionals under actions unlike those of the data",
    "scores": "RMSE, VRMSE and skill of each variable in these forecasts",
    "effects": "how the fields differ if other actions follow the same state",
    "forcings": "whether forecasts use the forcing, and how they respond to it",
    "gradients": "gradients with respect to actions, compared with the true ones",
    "long_run": "statistics of long runs, and the share of runs that diverge",
    "resolution": "how much the latent depends on the grid of the fields",
    "refined_control": "plans of the model carried out on a finer grid",
    "shifts": "errors under stronger forcing, or another viscosity, than in the data",
    "probing": "functionals and phases that a regression reads from the latent",
    "functionals": "numbers over time in the files that a regression reads from the latent",
    "surprise": "whether prediction errors detect violations of physics",
    "uncertainty": "whether error bars hold the truth as often as they say",
    "flags": "whether damaged records are flagged, and sound ones are not",
}
"""What each part measures, in one line."""

OF_FILES = ("forcings", "functionals")
"""The parts that are measured of data from files alone; of simulations others compare with the truth."""

OF_SIMULATIONS = (
    "budgets",
    "effects",
    "gradients",
    "long_run",
    "resolution",
    "refined_control",
    "shifts",
    "probing",
    "surprise",
)
"""The parts that compare with a simulation, and are left out where data come from files."""

METRICS_OF_PART = {"rollouts": "rollout"}
"""The metrics that a part cannot be shown without, where they do not have the name of the part."""
