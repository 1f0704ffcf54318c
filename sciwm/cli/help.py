"""The texts of ``sciwm --help`` and of ``sciwm COMMAND --help``."""

from dataclasses import dataclass

from sciwm.evaluation_parts import EVALUATION_PARTS

DESCRIPTION = """\
sciwm learns a forced partial differential equation from simulations. A trained model forecasts the
fields under any actions, and plans the actions that drive the fields to a target. It works in a
latent, a short vector that stands for the fields, and is therefore fast and differentiable."""

STORY = """\
Everything about one experiment lies in one folder, a run (RUN below):
  config.yaml              the experiment, with every value that it uses
  data/*.zarr              simulations for training, validation and test
  model.safetensors, .json weights and description of the trained model
  evaluation/*.nc          one result for each part of the evaluation
  controlled.nc            the true simulation under every controller
  report/index.html        the report; report/metrics.json holds its numbers
'sciwm run' makes all of it; simulate, train, evaluate, control and report make it step by step. A
command that was stopped can be given again: it goes on where it stood, or repeats some minutes.

examples:
  sciwm demo --quick                                  try everything in one or two minutes
  sciwm run configs/ks_control.yaml --out runs/ks     make a run from your own configuration
  sciwm info runs/ks                                  see what the model expects
  sciwm rollout runs/ks input.nc --out forecast.nc    forecast your own data with the model
  sciwm train --help                                  read about one command

in Python:
  import sciwm, xarray as xr
  model = sciwm.load("runs/ks")
  ds = xr.open_dataset("input.nc")
  forecast = model.rollout(ds.isel(time=0), forcing=ds["action"])"""


@dataclass(frozen=True)
class Page:
    """The help of one command.

    Args:
        purpose: what it does, in one line; the list of commands shows it too.
        details: what it reads and writes, and what one must know to use it.
        example: one command line that can be run as it stands.
    """

    purpose: str
    details: str
    example: str


_PARTS = "\n".join(f"  {name:<17}{purpose}" for name, purpose in EVALUATION_PARTS.items())

PAGES = {
    "inspect": Page(
        "find out what somebody's files hold, and write a configuration for them",
        "Shows dimensions, variables with the role that each may have and why, time steps, bounds of\n"
        "forcings, missing values, and what you should look at or decide. Reads metadata, coordinates\n"
        "and a few instants alone. With --out it writes a configuration with a line for every role,\n"
        "ready for 'sciwm run' once what is doubtful is decided; with --figure a picture of the data.\n"
        "Takes netCDF, HDF5 (also of PDEBench and The Well) and Zarr; many files become one set, joined\n"
        "along the dimension in which they differ, or as one run each.",
        "sciwm inspect heated_plate.nc --out plate.yaml --figure plate.png",
    ),
    "convert": Page(
        "write data in another layout: CF netCDF, Zarr, or that of The Well",
        "Takes what 'sciwm inspect' takes, and stores of ours. OUT is told by its ending:\n"
        "  .nc, .zarr     variables and coordinates as they are, with the metadata that CF asks for\n"
        "  .hdf5, .h5     the schema of The Well: fields, vectors and tensors, forcings as scalars\n"
        "Many files become one. Memory is bounded, and OUT appears whole or not at all.",
        "sciwm convert 'runs_*.nc' --to runs.hdf5 --periodic x",
    ),
    "simulate": Page(
        "simulate the data of a run",
        "Writes the configuration, with all default values filled in, to RUN/config.yaml, and the\n"
        "training, validation and test simulations to RUN/data. Simulations that are already there are\n"
        "kept, so that a stopped command goes on where it stood. A folder that belongs to another\n"
        "experiment is refused.",
        "sciwm simulate configs/ks_control.yaml --out runs/ks --set data.train.simulations=64",
    ),
    "bring-in": Page(
        "bring your own files into a run, in place of simulations",
        "Reads the files of the section 'source' of CONFIG: netCDF, HDF5 or Zarr. Checks everything in\n"
        "them, tells all problems at once, and writes RUN/config.yaml and the runs for training, validation\n"
        "and test to RUN/data, in bounded memory. Runs that are already there are kept, so that a stopped\n"
        "command goes on where it stood. Files that changed since are refused. 'sciwm check CONFIG' looks\n"
        "at the files and writes nothing.",
        "sciwm bring-in plate.yaml --out runs/plate",
    ),
    "train": Page(
        "train the model of a run",
        "Reads RUN/data and writes RUN/model.safetensors (the weights) and RUN/model.json (variables,\n"
        "grid, scales and settings). Training may be stopped at any time: the same command goes on from\n"
        "the last epoch, and ends with the same weights as if it had not been stopped.",
        "sciwm train runs/ks",
    ),
    "rollout": Page(
        "forecast your own data with a trained model",
        "INPUT holds the variables of the model, and the actions as a variable 'forcing' or 'action' over\n"
        "(time, actuator), all in physical units. The action at time t is held over [t, t + interval).\n"
        "Dimensions are found by their names, in any order; further ones, such as simulation, are kept.\n"
        "For a model of files INPUT has the names of these files: variables, forcings, and the parameters of\n"
        "the runs; the forcing may lie in another file, --forcing FILE.\n"
        "The forecast starts from the fields at TIME_INDEX and is as long as the actions from there on, or\n"
        "as --intervals says; with a model of files, up to the first gap, which is told.\n"
        "FILE is written whole or not at all, and a part at a time: FILE.nc as netCDF, FILE.zarr as a Zarr\n"
        "store. A store that 'sciwm simulate' wrote is compared with its digests. 'sciwm info RUN' shows\n"
        "which variables, grid and actuators the model expects; 'sciwm check INPUT --run RUN' tells whether\n"
        "INPUT fits. With --uncertainty the forecast carries calibrated errors, and a flag at each step.",
        "sciwm rollout runs/ks input.nc --start 10 --out forecast.nc",
    ),
    "evaluate": Page(
        "measure what the model has learned, part by part",
        "Compares the model with the true simulation. Writes RUN/evaluation/PART.nc and adds the numbers\n"
        "to RUN/report/metrics.json. Parts:\n"
        f"{_PARTS}\n"
        "Without --parts, those in the section 'evaluation' of RUN/config.yaml are measured; their sizes\n"
        "stand there too and may be changed. A part that does not apply, such as one that needs a\n"
        "periodic domain, is left out with the reason. A result is used again as long as model and\n"
        "settings are the same; to measure it again, delete its file. 'sciwm report RUN' shows all parts.",
        "sciwm evaluate runs/ks --parts effects surprise",
    ),
    "control": Page(
        "control the true simulation by planning through the model",
        "Drives held-out states of the true simulation to the target of the configuration: without\n"
        "control, by planning through the model, and by reference controllers that plan through the true\n"
        "solver. Writes RUN/controlled.nc, and adds the numbers to RUN/report/metrics.json.",
        "sciwm control runs/ks",
    ),
    "report": Page(
        "write the report: figures and numbers on one page",
        "Shows what the other commands have measured so far. Writes RUN/report/index.html, one file that\n"
        "needs no server and can be sent to others.",
        "sciwm report runs/ks",
    ),
    "run": Page(
        "simulate, train, evaluate, control and report",
        "Makes a whole run from a configuration, and ends with the most important numbers and the path of\n"
        "the report. A command that was stopped can be given again: it goes on where it stood, or repeats\n"
        "some minutes.",
        "sciwm run configs/ks_control.yaml --out runs/ks --set seed=1 training.updates=500",
    ),
    "demo": Page(
        "learn and control a chaotic flow",
        "The Kuramoto-Sivashinsky equation in its chaotic regime, with eight actuators: simulates it,\n"
        "learns it and drives it to rest, as 'sciwm run' would. Takes about seven minutes on two cores;\n"
        "with --quick one or two, enough to see how everything works but not for good numbers.",
        "sciwm demo --quick --out runs/quick",
    ),
    "check": Page(
        "find everything that is wrong with a file",
        "FILE is one of these, told by its content and not by its name:\n"
        "  a configuration           every key and value, and whether the simulation can be built\n"
        "  a store of ours           its layout and the sha256 of all values; it holds trajectories or\n"
        "                            sensitivities, which must fit the training set beside them\n"
        "  a run folder              its configuration, data, model and results\n"
        "  a netCDF file, or a       with --run: whether 'sciwm rollout' can use its fields and forcing;\n"
        "  Zarr store of others      a store may also be in a zip file\n"
        "Tells all problems at once: where, what was expected, what was found, and what to do. The exit\n"
        "status is 0 if there are none, otherwise 2.",
        "sciwm check input.nc --run runs/ks",
    ),
    "info": Page(
        "show what a run, a store or a file of data holds",
        "Lists variables with units, grid, control interval, actuators with bounds, functionals and\n"
        "sizes; of a store of sensitivities also the kinds: twins, tangents, adjoint gradients. This is\n"
        "quick, since fields are not read; weights are compared with their digest.",
        "sciwm info runs/ks",
    ),
    "benchmark": Page(
        "measure a benchmark and print its table",
        "Prints the table and writes its numbers as JSON, with commit, machine, date and seeds. Accepted\n"
        "results stand in sciwm/benchmarks/results; 'sciwm benchmark table', in the root of a checkout,\n"
        "puts them into the README files. A benchmark that was stopped goes on where it stood.\n"
        "NAME, with the time on two cores:\n"
        "  demo             every controller on the demo, three seeds            about 20 minutes\n"
        "  physics          what each physics term is worth, beside baselines    about 14 hours\n"
        "  on-policy        what training on the model's own plans brings        about 20 minutes\n"
        "  planning-speed   time of a decision, by the model and by the solver   about 15 minutes\n"
        "  solvers          our solvers beside exponax (needs sciwm[compare])    about 15 minutes\n"
        "  convergence      order in time of every equation, with a figure       about three minutes\n"
        "  cost-growth      solver time against points and batch, with a figure  about two minutes\n"
        "  tasks            control tasks by classical and optimal controllers   about 20 minutes\n"
        "  apebench         unforced forecasts beside published networks         about 30 minutes\n"
        "  own-data         files of others: skill, error bars, flags, memory    two hours and more\n"
        "  robustness       damaged and hostile files, kills, power losses       one to two hours\n"
        "  table            nothing is measured: renews the tables of the README files",
        "sciwm benchmark convergence --quick",
    ),
}
