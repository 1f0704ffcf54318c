"""A smooth flow as somebody else might bring it to the tiny experiment's model, and what a call complains about."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from sciwm.errors import InputError

EXTENT, INTERVAL = 22.0, 0.25


def flow(instants: int = 5) -> xr.Dataset:
    """u(time, x) and action(time, actuator), where no action follows the last instant."""
    x, t = np.arange(32) * EXTENT / 32, np.arange(instants) * INTERVAL
    k = 2 * np.pi / EXTENT
    u = np.cos(k * x - 0.3 * t[:, None]) + 0.7 * np.sin(2 * k * x + 0.2 * t[:, None] + 1)
    action = 0.3 * np.sin(0.7 * t[:, None] + np.arange(4))
    action[-1] = np.nan
    ds = xr.Dataset(
        {"u": (("time", "x"), u.astype("f4")), "action": (("time", "actuator"), action.astype("f4"))},
        {"x": ("x", x, {"units": "1"}), "time": ("time", t, {"units": "1"})},
    )
    for name in ("u", "action"):
        ds[name].attrs["units"] = "1"
    return ds


def told(call: Callable[[], object]) -> list[str]:
    """What a call complains about."""
    with pytest.raises(InputError) as caught:
        call()
    return [str(p) for p in caught.value.problems]
