"""A small world model with a parameter, whose latent, step and decoder are linear, for closed forms."""

import numpy as np
import torch
import xarray as xr

from sciwm.config import ModelSettings
from sciwm.data import Axis, Domain, ForcingVariable, Parameter, Variable
from sciwm.dynamics import readout_trajectory, rollout
from sciwm.model import WorldModel, fit_scales
from simulations import ActionBox

AMBIENT = Parameter("ambient", "ambient temperature", "degC", mean=20.0, deviation=3.0, low=14.0, high=26.0)
POWER = ForcingVariable("power", "heater power", "W", "heater", ("north", "south"), first=0, count=2)
FLOW = ForcingVariable("flow", "air flow", "m s-1", "", (), first=2, count=1)
ROWS = (0.0, 1.0, 2.5, 3.0)

DOMAIN = Domain(
    variables=(
        Variable("temp", "plate temperature", "degC", mean=30.0, deviation=5.0),
        Variable("strain", "strain", "1", mean=0.0, deviation=1e-3),
    ),
    axes=(
        Axis("row", 4, 1.0, 0.0, "cm", periodic=False, points=ROWS),
        Axis("col", 5, 0.5, 0.25, "cm", periodic=False),
    ),
    control_interval=0.5,
    actuators=ActionBox(("power.north", "power.south", "flow"), [0.0, 0.0, -1.0], [8.0, 8.0, 3.0], "1"),
    functionals=(),
    time_units="min",
    parameters=(AMBIENT,),
    forcings=(POWER, FLOW),
    action_means=(4.0, 4.0, 1.0),
    action_deviations=(2.0, 2.0, 1.0),
    high_is_limit=(True, True, False),  # heaters give no more; air may flow faster than in the data
    time_name="t",
    run_name="run",
)


def linear_plate(domain: Domain = DOMAIN, *, valid: torch.Tensor | None = None) -> WorldModel:
    """A model with random linear maps, and the statistics of a thousand random latents, ready for use."""
    torch.manual_seed(0)
    settings = ModelSettings.model_validate(
        {
            "latent": "vector",
            "latent_size": 4,
            "decoder_rank": 1,
            "encoder": {"width": 2, "modes": 2},  # which adds nothing before it is trained
            "predictor": {"kind": "linear", "steady_forcing": ("row",), "equivariant": False},
        }
    )
    model = WorldModel(settings, domain)
    fields = torch.randn(200, 2, 4, 5).cumsum(dim=2).cumsum(dim=3)
    mask = torch.ones(2, 4, 5, dtype=torch.bool) if valid is None else valid
    spread = torch.tensor([5.0, 1e-3]).view(2, 1, 1)
    with torch.no_grad():
        fit_scales(model, ((fields * spread / 4) + torch.tensor([30.0, 0.0]).view(2, 1, 1)) * mask, None)
        model.decoder.quadratic.back.weight.zero_()
        model.predictor.decay.weight.copy_(0.8 * torch.eye(4) + 0.1 * torch.randn(4, 4))
        model.predictor.forcing.set_free(0.2 * torch.randn(4, 4))
        model.predictor.steady.values.normal_(std=0.1)
        statistics = model.with_statistics()
        assert statistics is not None
        statistics.fit(torch.randn(1000, 4) @ torch.randn(4, 4) + 0.3, torch.full((2, 4, 5), 1e-4) * mask, mask)
    return model.freeze()


def own_data(model: WorldModel, *, intervals: int = 6) -> xr.Dataset:
    """What the model itself predicts of three runs, as somebody's Dataset: names, units and orders of their own."""
    generator = torch.Generator().manual_seed(3)
    ambient = torch.tensor([[17.0], [20.5], [24.0]])
    start = model.with_parameters(0.7 * torch.randn(3, model.state_size, generator=generator), ambient)
    actions = torch.rand(3, intervals, 3, generator=generator) * torch.tensor([4.0, 4.0, 2.0]) + 0.5
    states = torch.cat([start[:, None], rollout(model, start, actions)], dim=1)
    fields = readout_trajectory(model, states, ["fields"])["fields"].numpy()
    held = np.concatenate([actions.numpy(), np.full((3, 1, 3), np.nan, np.float32)], axis=1)
    ds = xr.Dataset(
        {
            "temp": (
                ("run", "t", "row", "col"),
                fields[:, :, 0],
                {"units": "degC", "standard_name": "air_temperature"},
            ),
            "strain": (("run", "t", "row", "col"), fields[:, :, 1], {"units": "1"}),
            "power": (("run", "t", "heater"), held[..., :2], {"units": "W"}),
            "flow": (("run", "t"), held[..., 2], {"units": "m/s"}),
            "ambient": ("run", ambient[:, 0].numpy(), {"units": "degC"}),
        },
        {
            "run": [101, 102, 107],
            "t": ("t", 3 + 0.5 * np.arange(intervals + 1), {"units": "min", "long_name": "elapsed time"}),
            "row": ("row", np.array(ROWS), {"units": "cm", "axis": "Y", "comment": "from the inlet"}),
            "col": ("col", 0.25 + 0.5 * np.arange(5), {"units": "cm"}),
            "heater": ["north", "south"],
        },
    )
    return ds
