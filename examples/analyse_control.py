# %% [markdown]
# # How do the jets put chaos to rest?
#
# The demo drives the Kuramoto-Sivashinsky equation
#
#     u_t + u u_x + u_xx + u_xxxx = f(x, t),     f = sum_j a_j(t) g_j(x)
#
# from chaos to u = 0 by planning through a learned latent. Its energy E = <u^2>/2 obeys
#
#     dE/dt = <u_x^2> - <u_xx^2> + <u f>
#             production - dissipation + work of the jets
#
# Questions: does the work of the jets or the dissipation remove the energy, which wavelengths decay first, and
# how long does each controller need? Run `sciwm demo --quick` or `make demo` once, then
# `python examples/analyse_control.py`.

# %% What is read
import argparse
import json
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
import xarray as xr

import simulations

parser = argparse.ArgumentParser(description="Energy budget, spectra and times to rest of a controlled flow.")
parser.add_argument("path", nargs="?", type=Path, default=Path("runs/demo/controlled.nc"), help="a controlled.nc")
parser.add_argument("--quick", action="store_true", help="four episodes only")
arguments = parser.parse_args([] if hasattr(sys, "ps1") else None)
if not arguments.path.exists():
    remedy = "make them with 'sciwm demo --quick' (two minutes) or 'make demo' (seven)"
    sys.exit(f"{arguments.path}: expected the controlled flows of a run, found nothing; {remedy}.")

flows = xr.load_dataset(arguments.path)
if arguments.quick:
    flows = flows.isel(episode=slice(4))
simulation = simulations.build(json.loads(flows.attrs["sciwm_config"])["simulation"])
if simulation.equation != "kuramoto_sivashinsky":
    sys.exit(f"{arguments.path}: expected kuramoto_sivashinsky, got {simulation.equation}, whose budget is another.")
controlled = flows.sel(controller="world_model")
names = {
    "none": "no control",
    "world_model": "world model",
    "lqr": "LQR",
    "oracle_cem": "CEM, true solver",
    "adjoint": "gradient, true solver",
}

# %% [markdown]
# ## The energy budget
#
# Actions jump from one interval to the next, so that rates at the stored instants do not close the budget. To
# average the rates over each interval, every stored state is advanced once more under its action.

# %%
before = torch.from_numpy(controlled["u"].values[:, :-1].astype(np.float64))
actions = torch.from_numpy(controlled["action"].values[:, :-1].astype(np.float64))
shape = before.shape[:2]
_, budgets = simulation.advance_with_fluxes(before.flatten(0, 1)[:, None], actions.flatten(0, 1))
energy_budget = budgets["energy"]

interval = simulation.control_interval
middle = controlled["time"].values[:-1] + interval / 2
net_production = energy_budget.source.unflatten(0, shape).numpy()
work = (energy_budget.output * actions.flatten(0, 1)).sum(dim=1).unflatten(0, shape).numpy()
change = controlled["energy"].diff("time").values / interval

residual = np.abs(change - net_production - work).max() / np.abs(change).max()
start = controlled["energy"].isel(time=0).values
print(f"energy at the start               {start.mean():8.3f}")
print(f"taken out by the jets             {-interval * work.sum(axis=1).mean():8.3f}")
print(f"taken out by dissipation, net     {-interval * net_production.sum(axis=1).mean():8.3f}")
print(f"left at the end                   {controlled['energy'].isel(time=-1).mean():8.1e}")
print(f"largest residual of the budget    {residual:8.1e} of the largest change")

# %% [markdown]
# ## Spectra
#
# E_k is the part of E at wavenumber k. Without control it grows at the rate 2 (k^2 - k^4): waves with k < 1 grow,
# all others decay. Jets at a distance d from each other are at the nodes of the sine of wavenumber pi / d and
# do not act on it. Under every controller this wave decays at its own rate, and it should be the last to go.

# %%
weights = simulation.grid.parseval_weights
wavenumbers = simulation.grid.wavenumbers[0][1:]


def energy_spectrum(u: xr.DataArray) -> np.ndarray:
    """E_k without the mean flow, averaged over everything but x."""
    power = weights * np.abs(np.fft.rfft(u.transpose(..., "x").values)) ** 2 / 2
    return power.reshape(-1, power.shape[-1]).mean(axis=0)[1:]


end = float(flows["time"][-1])
instants = [t for t in (5.0, 15.0) if t < end]
spectra = {"uncontrolled, all times": energy_spectrum(flows["u"].sel(controller="none"))}
spectra |= {f"controlled, t = {t:g}": energy_spectrum(controlled["u"].sel(time=t, method="nearest")) for t in instants}
spectra[f"controlled, t = {end:g}"] = energy_spectrum(controlled["u"].isel(time=-1))

untouched = np.pi * len(simulation.actuators) / simulation.grid.extents[0]
mean_flow = controlled["u"].isel(time=-1).mean("x") ** 2 / 2
share = float(mean_flow.mean() / controlled["energy"].isel(time=-1).mean())
print(f"\nof the energy left at the end, {share:.0%} is mean flow")
print(f"out of the jets' reach: the sine of k = {untouched:.3f}, rate {2 * (untouched**2 - untouched**4):.3f}")
if end >= 15:
    late = controlled["energy"].sel(time=slice(10, 15))
    rate = np.polyfit(late["time"], np.log(late.mean("episode")), 1)[0]
    print(f"between t = 10 and 15 all energy goes at the rate {rate:.3f}")

# %% [markdown]
# ## Time to rest
#
# The first instant at which 1 % of the initial energy is left; nan where that never happens.

# %%
rested = flows["energy"] <= 0.01 * flows["energy"].isel(time=0)
time_to_rest = flows["time"].where(rested).min("time")
print("\ntime to 1 % of the initial energy: median, slowest")
for name in flows["controller"].values:
    times = time_to_rest.sel(controller=name).dropna("episode").values
    share = f"{times.size} of {flows.sizes['episode']} starts"
    print(f"  {names[name]:24}" + (f"{np.median(times):6.2f} {times.max():6.2f}  {share}" if times.size else " never"))

# %% What it looks like
figure = plt.figure(figsize=(10, 6.8), layout="constrained")
budget_axes, spectrum_axes, rest_axes = figure.subplot_mosaic([["b", "b"], ["s", "r"]]).values()

shown = middle < 1.3 * float(time_to_rest.sel(controller="world_model").max().fillna(end))
curves = {"work of the jets": (work, "#d55e00"), "production - dissipation": (net_production, "#0072b2")}
for label, (values, color) in curves.items():
    low, high = np.quantile(values[:, shown], [0.1, 0.9], axis=0)
    budget_axes.fill_between(middle[shown], low, high, color=color, alpha=0.15, linewidth=0)
    budget_axes.plot(middle[shown], values[:, shown].mean(axis=0), color=color, label=label)
budget_axes.plot(middle[shown], change[:, shown].mean(axis=0), "k.", markersize=4, label="measured dE/dt")
budget_axes.axhline(0, color="0.6", linewidth=0.8)
budget_axes.set(title="Energy budget under control through the world model", xlabel="time t", ylabel="energy per time")
budget_axes.set_xlim(0, middle[shown][-1] + interval / 2)
budget_axes.legend(frameon=False)

for (label, values), color in zip(spectra.items(), plt.cm.viridis(np.linspace(0, 0.85, len(spectra))), strict=True):
    spectrum_axes.loglog(wavenumbers, values, ".-", color=color, label=label)
for k, label in [(1, "waves grow "), (untouched, " out of reach")]:
    spectrum_axes.axvline(k, color="0.6", linewidth=0.8, linestyle="--", zorder=0)
    spectrum_axes.text(
        k, 0.02, label, ha="right" if k == 1 else "left", color="0.4", transform=spectrum_axes.get_xaxis_transform()
    )
spectrum_axes.set(title="Energy spectra", xlabel="wavenumber k", ylabel="$E_k$")
spectrum_axes.set_ylim(max(values.max() * 1e-6, 1e-30), 1e5)
spectrum_axes.legend(frameon=False, fontsize="small", loc="upper right")

order = [str(name) for name in flows["controller"].values if name != "none"]
for row, name in enumerate(order):  # a dot for each start, a bar for the median
    times = time_to_rest.sel(controller=name).dropna("episode").values
    rest_axes.plot(times, np.full(times.size, row), "o", color="#0072b2", alpha=0.35, markersize=6, markeredgewidth=0)
    if times.size:
        rest_axes.plot(np.median(times), row, "|", color="#d55e00", markersize=22, markeredgewidth=2.5)
rest_axes.set(title="Time to 1 % of the initial energy", xlabel="time t", xlim=(0, None))
rest_axes.set_yticks(range(len(order)), [names[name] for name in order])
rest_axes.set_ylim(len(order) - 0.5, -0.5)

for axes in (budget_axes, spectrum_axes, rest_axes):
    axes.spines[["top", "right"]].set_visible(False)

picture = arguments.path.parent / "report" / "figures" / f"analyse_control{'_quick' if arguments.quick else ''}.png"
picture.parent.mkdir(parents=True, exist_ok=True)
figure.savefig(picture, dpi=160)
print(f"\n{picture}")
if hasattr(sys, "ps1"):
    plt.show()
