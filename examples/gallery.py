# %% [markdown]
# # What the equations look like
#
# Every panel shows an equation at good values, without control except for the heaters of the last panel.
# One-dimensional flows are drawn over space (to the right) and time (downwards), two-dimensional flows at
# their last instant.
#
# Run `python examples/gallery.py`; it takes less than a minute.

# %% What is needed
import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault(
    "OMP_WAIT_POLICY", "passive"
)  # set before torch is imported, so that waiting threads do not use the CPU

import matplotlib.pyplot as plt
import numpy as np
import torch

from simulations import Simulation, build

parser = argparse.ArgumentParser(description="Draw every equation of the library.")
parser.add_argument("--picture", type=Path, default=Path("runs/gallery.png"), help="where to draw")
parser.add_argument("--quick", action="store_true", help="a tenth of the simulated time, on coarser grids")
arguments = parser.parse_args([] if hasattr(sys, "ps1") else None)
torch.set_num_threads(1)

LINE = {"jets": {"count": 4, "width": 1.0, "limit": 1.0}, "parameters": {}}
PLANE = LINE | {"dimensions": 2, "jets": {"count": 2, "width": 1.0, "limit": 1.0}}
points = 64 if arguments.quick else 128
share = 0.1 if arguments.quick else 1.0


# %% [markdown]
# ## Running one
#
# A simulation is built from plain settings. States are tensors `(batch, variable, x)` or
# `(batch, variable, x, y)`, actions are tensors `(batch, actuator)` in physical units.


# %%
def run(simulation: Simulation, start: np.ndarray, intervals: int, action: float = 0.0) -> torch.Tensor:
    """Fields over time, `(interval + 1, variable, ...)`, under one constant action."""
    state = torch.tensor(start)[None]
    actions = torch.full((1, len(simulation.actuators)), action, dtype=state.dtype)
    states = [state]
    with torch.inference_mode():
        for _ in range(max(2, round(share * intervals))):
            states.append(simulation.advance(states[-1], actions))
    return torch.cat(states)


def random_start(simulation: Simulation, amplitude: float) -> np.ndarray:
    return simulation.initial_state(np.random.default_rng(4), amplitude=amplitude)


panels: list[tuple[str, np.ndarray, str, float | None]] = []  # title, values, colours, limit of a signed scale

# %% [markdown]
# ## On a line

# %%
chaos = build(
    LINE
    | {"equation": "kuramoto_sivashinsky", "num_points": 192, "domain_extent": 60.0}
    | {"control_interval": 0.5, "steps_per_interval": 4}
)
panels.append(("Kuramoto-Sivashinsky", run(chaos, random_start(chaos, 1.0), 300)[:, 0].numpy(), "RdBu_r", 3.0))

shocks = build(
    LINE
    | {"equation": "burgers", "num_points": 256, "domain_extent": 2 * np.pi, "parameters": {"viscosity": 0.02}}
    | {"control_interval": 0.02, "steps_per_interval": 4}
)
panels.append(("Burgers", run(shocks, random_start(shocks, 1.0), 150)[:, 0].numpy(), "RdBu_r", 2.0))

solitons = build(
    LINE
    | {"equation": "korteweg_de_vries", "num_points": 256, "domain_extent": 40.0}
    | {"control_interval": 0.05, "steps_per_interval": 20}
)
x = solitons.grid.coordinates["x"]
speeds, places = (6.0, 1.5), (8.0, 16.0)
pair = sum(-c / 2 / np.cosh(np.sqrt(c) / 2 * (x - a)) ** 2 for c, a in zip(speeds, places, strict=True))
panels.append(("Korteweg-de Vries", run(solitons, pair[None], 80)[:, 0].numpy(), "viridis_r", None))

front = build(
    LINE
    | {"equation": "advection_diffusion_reaction", "num_points": 256, "domain_extent": 40.0}
    | {"parameters": {"velocity": 0.0, "diffusivity": 0.2, "growth": 1.0, "saturation": 1.0}}
    | {"control_interval": 0.1, "steps_per_interval": 4}
)
hump = np.exp(-((front.grid.coordinates["x"] - 20.0) ** 2) / 2)
panels.append(("Fisher's fronts", run(front, hump[None], 150)[:, 0].numpy(), "viridis", None))


# %% [markdown]
# ## In the plane


# %%
def plane(equation: str, extent: float, interval: float, steps: int, **parameters: float) -> Simulation:
    size = {"num_points": points, "domain_extent": extent, "jets": {"count": 2, "width": extent / 8, "limit": 1.0}}
    time = {"control_interval": interval, "steps_per_interval": steps}
    return build(PLANE | size | time | {"equation": equation, "parameters": parameters})


turbulence = plane("navier_stokes", 2 * np.pi, 0.25, 20 if arguments.quick else 40)
panels.append(("Kolmogorov flow", run(turbulence, random_start(turbulence, 2.0), 120)[-1, 0].numpy(), "RdBu_r", 9.0))

mixing = plane("navier_stokes_scalar", 2 * np.pi, 0.25, 20 if arguments.quick else 40, diffusivity=0.002)
dyed = random_start(mixing, 2.0)
dyed[1] = np.cos(mixing.grid.mesh[0]) + np.zeros(mixing.grid.shape)
panels.append(("a passive scalar in it", run(mixing, dyed, 24)[-1, 1].numpy(), "PuOr", 1.0))

water = plane("shallow_water", 2 * np.pi, 0.1, 10)
drop = np.zeros((3, *water.grid.shape))
drop[2] = 0.2 * np.exp(-4 * ((water.grid.mesh[0] - 2.5) ** 2 + (water.grid.mesh[1] - 3.5) ** 2))
panels.append(("rotating shallow water", run(water, drop, 30)[-1, 2].numpy(), "RdBu_r", None))

rolls = plane("swift_hohenberg", 16 * np.pi, 0.5, 2, growth=0.3)
panels.append(("Swift-Hohenberg", run(rolls, random_start(rolls, 0.1), 120)[-1, 0].numpy(), "RdBu_r", None))

phases = plane("cahn_hilliard", 64.0, 0.5, 4)
panels.append(("Cahn-Hilliard", run(phases, random_start(phases, 0.1), 120)[-1, 0].numpy(), "RdBu_r", 1.0))

domains = plane("allen_cahn", 2 * np.pi, 0.1, 2, diffusivity=0.005, reaction_rate=1.0)
panels.append(("Allen-Cahn", run(domains, random_start(domains, 0.3), 120)[-1, 0].numpy(), "RdBu_r", 1.0))

spots = plane("gray_scott", 1.0, 20.0, 10, feed=0.029, kill=0.057)
panels.append(("Gray-Scott", run(spots, random_start(spots, 1.0), 150)[-1, 1].numpy(), "magma", None))

# %% [markdown]
# ## Between walls
#
# Two heaters in a plate whose left wall is cold and whose other walls are insulated.

# %%
plate = build(
    {"equation": "heat", "dimensions": 2, "num_points": 96, "domain_extent": 1.0}
    | {"control_interval": 0.1, "steps_per_interval": 2}
    | {"walls": {side: {"kind": "neumann"} for side in ("right", "bottom", "top")}}
    | {"boxes": {"intervals": [[(0.3, 0.4), (0.6, 0.9)], [(0.7, 0.8), (0.1, 0.5)]], "limit": 10.0}}
)
panels.append(("heat", run(plate, np.zeros((1, 96, 96)), 50, action=5.0)[-1, 0].numpy(), "inferno", None))

# %% The picture
figure, axes = plt.subplots(3, 4, figsize=(11, 8.6), layout="constrained")
for panel, (title, values, colors, limit) in zip(axes.flat, panels, strict=True):
    in_plane = title not in ("Kuramoto-Sivashinsky", "Burgers", "Korteweg-de Vries", "Fisher's fronts")
    panel.imshow(
        values.T if in_plane else values,
        cmap=colors,
        aspect="equal" if in_plane else "auto",
        origin="lower" if in_plane else "upper",
        vmin=-limit if limit else None,
        vmax=limit,
        interpolation="bilinear",
    )
    panel.set_title(title, fontsize=10)
    panel.set_xticks([])
    panel.set_yticks([])
arguments.picture.parent.mkdir(parents=True, exist_ok=True)
figure.savefig(arguments.picture, dpi=90)
print(f"{len(panels)} equations drawn in {arguments.picture}")
