"""A user's own ``simulations``: told at import, before anything fails elsewhere."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run_beside(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a folder where Python looks first, as it does beside a script; the package is found after it."""
    program = f"import sys; sys.path[:0] = [{str(folder)!r}, {str(ROOT)!r}]; {code}"
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=folder, check=False)


@pytest.mark.parametrize("form", ["simulations.py", "simulations/__init__.py"])
@pytest.mark.parametrize("code", ["import sciwm", "import simulations, sciwm"])
def test_a_file_of_the_users_own_in_place_of_a_package_is_named(form: str, code: str, tmp_path: Path) -> None:
    """A script or a package, found or already imported: the file, and what to do; the user's own stays as it is."""
    own = tmp_path / form
    own.parent.mkdir(exist_ok=True)
    own.write_text("mine = 1\n")
    ended = run_beside(tmp_path, code)
    last = ended.stderr.strip().splitlines()[-1]
    found = own if form.endswith("simulations.py") else own.parent
    assert last.startswith("ImportError: sciwm needs its own package 'simulations'")
    assert f"finds {found} under that name. Rename {found.name}, such as to my_{found.name}" in last


def test_a_folder_of_data_with_that_name_is_no_clash(tmp_path: Path) -> None:
    """Python prefers a package to a folder without ``__init__.py``."""
    (tmp_path / "simulations").mkdir()
    ended = run_beside(tmp_path, "import sciwm, importlib.util as i; print(i.find_spec('simulations').origin)")
    assert (ended.returncode, ended.stdout.strip()) == (0, str(ROOT / "simulations" / "__init__.py"))
