"""What ``sciwm --help`` and ``sciwm COMMAND --help`` say."""

from dataclasses import dataclass

from sciwm.evaluation_parts import EVALUATION_PARTS

DESCRIPTION = """\
A scientific world model for partial differential equations: simulate a forced PDE, learn it in a
compact latent, forecast it and control it through that latent."""

STORY = """\
A run is a folder that holds everything of one experiment: its configuration, its data, the trained
model, the results and a report. 'sciwm run' makes all of it; the stages can also be run one by one.
Whatever is stopped can be started again with the same command, and loses nothing.

  sciwm demo --quick                                  see all of it in about a minute
  sciwm run configs/ks_control.yaml --out runs/ks     simulate, train, evaluate, control, report
  sciwm rollout runs/ks input.nc --out forecast.nc    forecast your own data with the trained model

In Python: model = sciwm.load("runs/ks"); model.rollout(ds.isel(time=0), forcing=ds["action"])"""


@dataclass(frozen=True)
class Page:
    """The help of one command: its purpose in a line, what to know, and an example."""

    purpose: str
    details: str
    example: str


_PARTS = "\n".join(f"  {name:<17}{purpose}" for name, purpose in EVALUATION_PARTS.items())

PAGES = {
    "simulate": Page(
        "make the data of a run",
        "Writes the resolved configuration to RUN/config.yaml and training, validation and test\n"
        "simulations to RUN/data. What is already there is kept; a folder of another experiment is\n"
        "refused.",
        "sciwm simulate configs/ks_control.yaml --out runs/ks --set data.train.simulations=64",
    ),
    "train": Page(
        "train the world model of a run",
        "Reads RUN/data, writes RUN/model.safetensors (weights) and RUN/model.json (everything about\n"
        "them). Stop it any time: the same command goes on from the last epoch to the same result.",
        "sciwm train runs/ks",
    ),
    "rollout": Page(
        "forecast your own data with a trained model",
        "INPUT holds the model's variables and a variable 'forcing' or 'action' over (time, actuator),\n"
        "both in physical units; the value at t is held over [t, t + interval). Dimensions are found by\n"
        "name, and others, such as simulation, are kept. The forecast starts from the fields at\n"
        "TIME_INDEX; it is written whole or not at all. 'sciwm info RUN' shows what the model expects.",
        "sciwm rollout runs/ks input.nc --start 10 --out forecast.nc",
    ),
    "evaluate": Page(
        "measure what the model knows, part by part",
        "Writes RUN/evaluation/PART.nc and the numbers to RUN/report/metrics.json. Parts:\n"
        f"{_PARTS}\n"
        "Without --parts these are the parts in the 'evaluation' section of RUN/config.yaml, where their\n"
        "sizes stand too and may be changed. A part that does not apply, such as one that needs a\n"
        "periodic domain, is left out and says so. A result that is there is kept for as long as model\n"
        "and settings are the same; delete it to measure again. 'sciwm report RUN' shows all of them.",
        "sciwm evaluate runs/ks --parts effects surprise",
    ),
    "control": Page(
        "control the true simulation through the model",
        "Drives held-out states to rest: without control, through the world model, and by planners that\n"
        "own the equations. Writes RUN/controlled.nc and the control part of RUN/report/metrics.json.",
        "sciwm control runs/ks",
    ),
    "report": Page(
        "write the page with figures and numbers",
        "Writes RUN/report/index.html, one file with everything in it.",
        "sciwm report runs/ks",
    ),
    "run": Page(
        "simulate, train, evaluate, control and report",
        "Ends with the numbers that matter and the path of the report.",
        "sciwm run configs/ks_control.yaml --out runs/ks --set seed=1 training.updates=500",
    ),
    "demo": Page(
        "learn and control a chaotic flow",
        "Kuramoto-Sivashinsky, chaotic, with eight jets: simulate it, learn it, and drive it to rest.",
        "sciwm demo --quick --out /tmp/demo",
    ),
    "check": Page(
        "find everything wrong with a file",
        "FILE is one of\n"
        "  a configuration (.yaml)   every key and value, and whether the simulation can be built\n"
        "  a store (.zarr)           its layout and the sha256 of everything in it; trajectories, or\n"
        "                            answers to actions, which must suit the training set beside them\n"
        "  a run folder              its configuration, data and results, its model to the last bit\n"
        "  a netCDF file             with --run: whether the model can use its fields and forcing\n"
        "All problems are told at once, each with what was expected; the exit status is then 2.",
        "sciwm check input.nc --run runs/ks",
    ),
    "info": Page(
        "say what a run or a store is",
        "Variables with units, grid, interval, actuators and bounds, sizes; of a store of answers to\n"
        "actions also which it holds: twins, tangents, adjoint gradients. Reads no weights and no fields.",
        "sciwm info runs/ks",
    ),
    "benchmark": Page(
        "measure a reproducible table",
        "Writes what was measured, with commit, machine, date and seeds, as JSON, and prints the table.\n"
        "The accepted results stand in sciwm/benchmarks/results; 'sciwm benchmark table', in the root of a\n"
        "checkout, puts them into the README files. A benchmark that was stopped goes on where it stood.\n"
        "  demo             the demo with three seeds, every controller          about 20 minutes\n"
        "  physics          what each term of physics is worth, beside baselines about 14 hours\n"
        "  on-policy        what rounds of data under the own plans bring        about 20 minutes\n"
        "  planning-speed   a decision through the latent and the true solver    about 15 minutes\n"
        "  solvers          our solvers beside exponax (sciwm[compare])          about 15 minutes\n"
        "  convergence      order in time of every equation, with a figure       about three minutes\n"
        "  cost-growth      time against points and batch, with a figure         about two minutes\n"
        "  tasks            control tasks by classical and optimal controllers   about 20 minutes\n"
        "  apebench         unforced accuracy beside published networks          about 30 minutes",
        "sciwm benchmark physics --quick",
    ),
}
