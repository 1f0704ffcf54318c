"""A small world model with a parameter, whose latent, step and decoder are linear, for closed forms."""

import torch

from sciwm.config import ModelSettings
from sciwm.data import Axis, Domain, ForcingVariable, Parameter, Variable
from sciwm.model import WorldModel
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
            "encoder": {"layers": 0},
            "predictor": {"kind": "linear", "steady_forcing": ("row",), "equivariant": False},
        }
    )
    model = WorldModel(settings, domain)
    fields = torch.randn(200, 2, 4, 5).cumsum(dim=2).cumsum(dim=3)
    mask = torch.ones(2, 4, 5, dtype=torch.bool) if valid is None else valid
    spread = torch.tensor([5.0, 1e-3]).view(2, 1, 1)
    with torch.no_grad():
        model.fit(((fields * spread / 4) + torch.tensor([30.0, 0.0]).view(2, 1, 1)) * mask, None)
        model.decoder.quadratic.back.weight.zero_()
        model.predictor.decay.weight.copy_(0.8 * torch.eye(4) + 0.1 * torch.randn(4, 4))
        model.predictor.forcing.set_free(0.2 * torch.randn(4, 4))
        model.predictor.steady.values.normal_(std=0.1)
        statistics = model.with_statistics()
        assert statistics is not None
        statistics.fit(torch.randn(1000, 4) @ torch.randn(4, 4) + 0.3, torch.full((2, 4, 5), 1e-4) * mask, mask)
    return model.freeze()
