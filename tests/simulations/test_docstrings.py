"""The examples in the docstrings of ``simulations`` run as they stand, each in an empty namespace."""

import doctest
import importlib
import pkgutil
from collections.abc import Iterator

import pytest

import simulations
from simulations import environments, equations, tasks
from simulations.generate import generate
from simulations.wrappers import ActuatorLag, RateLimit

PUBLIC = (
    simulations.build,
    simulations.Simulation,
    simulations.Actuators,
    simulations.ActionBox,
    simulations.PeriodicGrid,
    simulations.BoundedGrid,
    simulations.gaussian_jets,
    simulations.sine_modes,
    simulations.boxes,
    simulations.Sensors,
    simulations.run_episodes,
    simulations.resample,
    ActuatorLag,
    RateLimit,
    generate,
    tasks.make_task,
    environments.SimulationEnvironment,
    environments.GoalEnvironment,
    environments.SimulationVectorEnvironment,
)


def examples() -> Iterator[doctest.DocTest]:
    """Every docstring of the package that has an example."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    names = [m.name for m in pkgutil.walk_packages(simulations.__path__, "simulations.")]
    for name in ["simulations", *names]:
        module = importlib.import_module(name)
        for example in finder.find(module, name, module=module, globs={}):
            if example.examples:
                yield example


@pytest.mark.parametrize("example", list(examples()), ids=lambda example: str(example.name))
def test_examples_run_as_they_stand(example: doctest.DocTest) -> None:
    """An example imports what it needs, gives what it shows, and skips nothing."""
    assert not any(one.options for one in example.examples)
    lines: list[str] = []
    result = doctest.DocTestRunner(verbose=False).run(example, out=lines.append)
    assert result.attempted == len(example.examples)
    assert result.failed == 0, "".join(lines)


@pytest.mark.parametrize("entry", PUBLIC, ids=lambda entry: str(entry.__name__))
def test_public_entry_points_have_an_example(entry: object) -> None:
    """Whoever looks up an entry point finds lines to begin with."""
    assert ">>> " in (entry.__doc__ or "")


@pytest.mark.parametrize("package", [simulations, equations, tasks, environments], ids=lambda package: package.__name__)
def test_packages_export_what_their_table_of_contents_names(package: object) -> None:
    """Every public name is there, named once."""
    names: list[str] = package.__all__  # type: ignore[attr-defined]
    assert all(getattr(package, name) is not None for name in names)
    assert len(set(names)) == len(names)
