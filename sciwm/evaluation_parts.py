"""The parts of an evaluation: the one list of their names, in the order in which they are measured and shown.

Configuration, command line, evaluation suite and report all read it. How a part is measured stands in
``sciwm.evaluation.suite.parts``, how it is shown in ``sciwm.report.part_sections``.
"""

EVALUATION_PARTS = {
    "rollouts": "test simulations forecast from their first instant",
    "budgets": "budgets of functionals under actions that the data never hold",
    "scores": "RMSE, VRMSE and skill of each variable in the rollouts",
    "effects": "the difference that other actions make from the same state",
    "gradients": "gradients with respect to the actions, against the true ones",
    "long_run": "spectra, distributions and functionals of long runs, and how many blow up",
    "resolution": "dependence of the latent on the grid",
    "refined_control": "plans executed on a finer grid",
    "shifts": "stronger forcing, and another viscosity, than in the data",
    "probing": "what can be read from the latent",
    "surprise": "whether violations of physics are noticed, and possible flows are not",
}
"""Purpose of each part, in a few words."""
