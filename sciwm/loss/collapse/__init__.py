"""What keeps an encoder trained without reconstruction from mapping everything to one point.

One interface, :class:`AntiCollapse`, and its members, chosen by :func:`build_collapse`.
"""

from sciwm.loss.collapse.anti_collapse import AntiCollapse
from sciwm.loss.collapse.choice import build_collapse
from sciwm.loss.collapse.ema_target import EMATarget
from sciwm.loss.collapse.sigreg import SIGReg
from sciwm.loss.collapse.vicreg import VICReg
from sciwm.loss.collapse.visreg import VISReg

__all__ = ["AntiCollapse", "EMATarget", "SIGReg", "VICReg", "VISReg", "build_collapse"]
