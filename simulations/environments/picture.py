"""Pictures of a controlled flow: its fields and the forcing of the actuators, on fixed scales."""

from typing import Any, cast

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from simulations.base import Simulation


class Picture:
    """Draws one episode on scales that fit its start and its strongest forcing.

    In 2D a field whose start has no negative value gets a scale from zero; other scales are symmetric.

    Args:
        simulation: The simulation, bare or wrapped.
        start: The fields at the start, or the state of a wrapped simulation, ``(1, ...)``.
        target: The target fields, ``(1, channel, *space)``, drawn in grey in 1D; None for none.
    """

    def __init__(self, simulation: Simulation, start: Tensor, target: Tensor | None) -> None:
        self.simulation = simulation
        self.bare = cast(Simulation, getattr(simulation, "bare", simulation))
        self.figure = Figure(figsize=(4.8, 3.6), dpi=100, layout="constrained")
        self.canvas = FigureCanvasAgg(self.figure)
        fields = self._fields(start)
        strongest = np.maximum(np.abs(self.bare.actuators.low), np.abs(self.bare.actuators.high))
        forcing = np.tensordot(strongest, np.abs(self._response(fields)), 1)
        seen = fields[0].numpy() if target is None else np.concatenate([fields[0].numpy(), target[0].numpy()], axis=1)
        one_dimension = fields.ndim == 3
        count = fields.shape[1]
        self.axes: Any = self.figure.subplots(2, count, squeeze=False)
        self.artists: list[Any] = []
        for row, (values, label) in enumerate(((seen, "{}"), (forcing, "forcing of {}"))):
            for channel in range(count):
                limit = (1.5, 1.2)[row] * float(np.abs(values[channel]).max()) or 1.0
                axes = self.axes[row, channel]
                axes.set_title(label.format(self.bare.variables[channel].name), fontsize=10)
                axes.tick_params(labelsize=8)
                if one_dimension:
                    x = self.bare.grid.coordinates["x"]
                    if row == 0 and target is not None:
                        axes.plot(x, target[0, channel].numpy(), color="0.7", linewidth=1)
                    axes.set(xlim=(x[0], x[-1]), ylim=(-limit, limit))
                    self.artists += axes.plot(x, 0 * x, color=("#0072b2", "#d55e00")[row], linewidth=1.2)
                else:
                    axes.set(xticks=[], yticks=[])
                    empty = np.zeros(self.bare.grid.shape[::-1])
                    low, colours = (0.0, "viridis") if row == 0 and values[channel].min() >= 0 else (-limit, "RdBu_r")
                    image = axes.imshow(empty, origin="lower", cmap=colours, vmin=low, vmax=limit)
                    self.figure.colorbar(image, ax=axes).ax.tick_params(labelsize=8)
                    self.artists.append(image)

        self.title = self.figure.suptitle("t", fontsize=10)
        self.canvas.draw()  # type: ignore[no-untyped-call]
        for artist in (self.title, *self.artists):  # only these are redrawn, as the rest takes most of the time
            artist.set_visible(False)
        self.figure.set_layout_engine("none")
        self.canvas.draw()  # type: ignore[no-untyped-call]
        self.background = self.canvas.copy_from_bbox(self.figure.bbox)  # type: ignore[no-untyped-call]
        for artist in (self.title, *self.artists):
            artist.set_visible(True)

    def draw(self, state: Tensor, action: Tensor, time: float) -> NDArray[np.uint8]:
        """Draw one instant.

        Args:
            state: Fields, or the state of a wrapped simulation, ``(1, ...)``.
            action: The action in physical units, ``(1, actuator)``.
            time: The time of the title.

        Returns:
            Colours from 0 to 255, ``(height, width, 3)``.
        """
        fields = self._fields(state)
        acting = action if self.simulation is self.bare else self.simulation.readout(state, ["acting"])["acting"]
        forcing = np.tensordot(acting[0].numpy(), self._response(fields), 1)
        values = np.concatenate([fields[0].numpy(), forcing])
        for artist, field in zip(self.artists, np.nan_to_num(values), strict=True):
            artist.set_ydata(field) if field.ndim == 1 else artist.set_data(field.T)
        self.title.set_text(f"t = {time:.4g}")
        self.canvas.restore_region(self.background)  # type: ignore[no-untyped-call]
        for artist in (self.title, *self.artists):
            self.figure.draw_artist(artist)
        return np.asarray(self.canvas.buffer_rgba())[..., :3].copy()  # type: ignore[no-untyped-call]

    def _fields(self, state: Tensor) -> Tensor:
        return self.simulation.readout(state, ["fields"])["fields"]

    def _response(self, fields: Tensor) -> NDArray[Any]:
        """The time derivative per unit of each action, ``(actuator, channel, *space)``."""
        return np.asarray(self.bare.rates(fields)[1][0].numpy())
