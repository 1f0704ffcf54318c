"""The stage after training: the model gets its ensemble, and its errors are calibrated."""

from sciwm.config import Config
from sciwm.experiment.rounds import round_name
from sciwm.experiment.run import Run
from sciwm.uncertainty import calibrate, is_of_this_model, save_uncertainty, why_none


def calibrate_model(config: Config, run: Run) -> None:
    """Give the trained model its error bars, unless it has them; one whose latent is too large has none.

    Everything in them follows from the model, the data and the seed: a stage that was stopped begins anew, and ends in
    the same bytes.
    """
    model = run.model(config)
    if why_none(model) or is_of_this_model(run.paths):
        return
    rounds = range(1, config.training.on_policy.rounds + 1)
    sets = [run.trajectories("train"), *(run.trajectories(round_name(number)) for number in rounds)]
    with run.stage("calibrate"):
        save_uncertainty(run.paths, calibrate(model, sets, run.trajectories("validation"), config.seed))
