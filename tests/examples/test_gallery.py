"""The picture of all equations, in its quick form."""

import runpy
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "gallery.py"


def test_every_panel_shows_something(tmp_path: Path) -> None:
    """No field is uniform, none has blown up, and the picture is there."""
    picture = tmp_path / "gallery.png"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [str(EXAMPLE), "--quick", "--picture", str(picture)])
        patch.setenv("MPLBACKEND", "Agg")
        names = runpy.run_path(str(EXAMPLE), run_name="__main__")
    plt.close("all")
    assert picture.read_bytes().startswith(b"\x89PNG")
    for title, values, _, _ in names["panels"]:
        assert np.isfinite(values).all(), title
        assert values.std() > 1e-3, title
