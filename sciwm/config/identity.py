"""What two experiments must share to share data, or a trained model."""

from typing import Any

from sciwm.config.experiment import Config


def simulated_from(config: Config) -> dict[str, Any]:
    """The part of an experiment that its data depend on."""
    return config.model_dump(include={"seed", "simulation", "data"})


def learned_from(config: Config) -> dict[str, Any]:
    """The part of an experiment that its data and weights depend on; the rest may change in a run folder.

    The number of on-policy rounds is left out: a run with more rounds begins as one with fewer.
    """
    return config.model_dump(
        include={"seed": True, "simulation": True, "data": True, "model": True, "loss": True, "training": True},
        exclude={"training": {"on_policy": {"rounds"}, "threads": True}},
    )


def differences(there: Any, wanted: Any, key: str = "") -> list[str]:
    """In words, the keys in which two such parts are not the same."""
    if isinstance(there, dict) and isinstance(wanted, dict):
        return [d for k in wanted for d in differences(there.get(k), wanted[k], f"{key}.{k}".lstrip("."))]
    return [] if there == wanted else [f"{key}: there {there}, asked {wanted}"]
