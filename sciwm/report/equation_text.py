"""Every equation as one writes it, by its name in a configuration."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from markupsafe import Markup, escape


@dataclass(frozen=True)
class EquationText:
    """One equation in print.

    Args:
        title: its name as one writes it.
        lines: the equation in plain characters, one line each: ``_x`` begins an index, ``^2`` is a power; ``f``
            is what the actuators add.
        symbols: of its parameters, by their names in a configuration.
    """

    title: str
    lines: tuple[str, ...]
    symbols: Mapping[str, str] = field(default_factory=dict)


FLOW_SYMBOLS = {
    "viscosity": "ν",
    "drag": "μ",
    "forcing_amplitude": "A",
    "forcing_wavenumber": "n",
    "stream_x": "U",
    "stream_y": "V",
}
VORTICITY = (
    "w_t + u w_x + v w_y = ν ∇^2 w − μ w − A k cos(k y) + f,  k = 2π n / L_y",
    "w = ∇^2 ψ,  u = U − ψ_y,  v = V + ψ_x",
)

EQUATIONS: dict[str, EquationText] = {
    "advection_diffusion_reaction": EquationText(
        "Advection-diffusion-reaction",
        ("u_t + c u_x = D u_xx + r u − s u^2 + f",),
        {"velocity": "c", "diffusivity": "D", "growth": "r", "saturation": "s"},
    ),
    "advection_diffusion_reaction_2d": EquationText(
        "Advection-diffusion-reaction",
        ("u_t + c_1 u_x + c_2 u_y = D ∇^2 u + r u − s u^2 + f",),
        {"velocity_x": "c_1", "velocity_y": "c_2", "diffusivity": "D", "growth": "r", "saturation": "s"},
    ),
    "allen_cahn": EquationText(
        "Allen-Cahn", ("u_t = D ∇^2 u + r (u − u^3) + f",), {"diffusivity": "D", "reaction_rate": "r"}
    ),
    "burgers": EquationText("Burgers", ("u_t + u u_x = ν u_xx + f",), {"viscosity": "ν"}),
    "burgers_2d": EquationText(
        "Burgers",
        ("u_t + u u_x + v u_y = ν ∇^2 u + f_u", "v_t + u v_x + v v_y = ν ∇^2 v + f_v"),
        {"viscosity": "ν"},
    ),
    "burgers_dirichlet": EquationText(
        "Burgers", ("u_t + u u_x = ν u_xx + f,  u(0, t) = u(L, t) = 0",), {"viscosity": "ν"}
    ),
    "burgers_hidden_gain": EquationText(
        "Burgers",
        (
            "u_t + u u_x = ν u_xx + F [sin(π x) + 0.35 sin(2π q τ + φ) sin(2π x)] + g f,  τ_t = 1",
            "u(0, t) = u_0,  u(1, t) = u_1",
        ),
        {
            "viscosity": "ν",
            "gain": "g",
            "forcing": "F",
            "frequency": "q",
            "phase": "φ",
            "left": "u_0",
            "right": "u_1",
        },
    ),
    "cahn_hilliard": EquationText(
        "Cahn-Hilliard", ("u_t = m ∇^2 (u^3 − u − γ ∇^2 u) + f",), {"mobility": "m", "gradient_energy": "γ"}
    ),
    "gray_scott": EquationText(
        "Gray-Scott",
        ("u_t = D_u ∇^2 u − u v^2 + F (1 − u) + f_u", "v_t = D_v ∇^2 v + u v^2 − (F + k) v + f_v"),
        {"diffusivity_u": "D_u", "diffusivity_v": "D_v", "feed": "F", "kill": "k"},
    ),
    "heat": EquationText("Heat", ("u_t = κ ∇^2 u + f",), {"diffusivity": "κ"}),
    "korteweg_de_vries": EquationText("Korteweg-de Vries", ("u_t − 6 u u_x + u_xxx = f",)),
    "kuramoto_sivashinsky": EquationText(
        "Kuramoto-Sivashinsky", ("u_t + u u_x + u_xx + ν u_xxxx = f",), {"viscosity": "ν"}
    ),
    "navier_stokes": EquationText("Navier-Stokes", VORTICITY, FLOW_SYMBOLS),
    "navier_stokes_scalar": EquationText(
        "Navier-Stokes with a passive scalar",
        (VORTICITY[0].replace("+ f,", "+ f_w,"), VORTICITY[1], "c_t + u c_x + v c_y = κ ∇^2 c + f_c"),
        FLOW_SYMBOLS | {"diffusivity": "κ"},
    ),
    "reaction_diffusion": EquationText(
        "Reaction-diffusion",
        ("u_t = u_xx + A cos(γ arccos(x / L)) u + f,  u(0, t) = 0",),
        {"amplitude": "A", "gamma": "γ"},
    ),
    "shallow_water": EquationText(
        "Rotating shallow-water",
        (
            "u_t + u u_x + v u_y − Ω v = −g η_x + ν ∇^2 u + f_u",
            "v_t + u v_x + v v_y + Ω u = −g η_y + ν ∇^2 v + f_v",
            "η_t + ((H + η) u)_x + ((H + η) v)_y = f_η",
        ),
        {"coriolis": "Ω", "gravity": "g", "depth": "H", "viscosity": "ν"},
    ),
    "swift_hohenberg": EquationText(
        "Swift-Hohenberg",
        ("u_t = r u − (1 + ∇^2)^2 u + q u^2 − u^3 + f",),
        {"growth": "r", "quadratic": "q"},
    ),
    "transport_recirculation": EquationText(
        "Transport with recirculation",
        ("u_t = u_x + A cos(γ arccos(x / L)) u(0, t) + f",),
        {"amplitude": "A", "gamma": "γ"},
    ),
}

PIECE = re.compile(r"_(?P<index>\w+)|\^(?P<power>\d+)|(?P<symbol>(?<![A-Za-z])[A-Za-zα-ωΩ](?![A-Za-z]))")


def typeset(text: str) -> Markup:
    """A line of an equation in HTML: symbols in italics, indices lowered, powers raised."""
    return Markup(PIECE.sub(_piece, str(escape(text))))  # noqa: S704


def _piece(found: re.Match[str]) -> str:
    if found["index"]:
        return f"<sub>{found['index']}</sub>"
    return f"<sup>{found['power']}</sup>" if found["power"] else f"<i>{found['symbol']}</i>"
