"""How numbers are written: three significant digits, powers of ten where needed."""

import math
import re

from markupsafe import Markup


def in_text(value: float | None) -> str:
    """For the terminal: ``0.0550``, ``1,432``, ``1.84e-09``; a dash for nothing."""
    if value is None or math.isnan(value):
        return "-"
    if math.isinf(value):
        return "infinite"
    if value == 0 or 1e-3 <= abs(value) < 100:
        return f"{value:#.3g}".rstrip(".") if value else "0"
    if 100 <= abs(value) < 1e6:
        return f"{value:,.0f}"
    return f"{value:.2e}"


def in_html(value: float | None) -> Markup:
    """For the page: ``1.84 × 10⁻⁹`` with a raised exponent."""
    mantissa, power = _split(value)
    mantissa = mantissa.replace("-", "−")
    if not power:
        return Markup("{}").format(mantissa)
    return Markup('<span class="number">{} × 10<sup>{}</sup></span>').format(mantissa, power.replace("-", "−"))


def with_minus_signs(text: str) -> str:
    """Text for the page whose negative numbers begin with a minus sign instead of a hyphen."""
    return re.sub(r"(?<![\w])-(?=\d)", "−", text)


def in_mathtext(value: float | None) -> str:
    """For figures: the same in matplotlib's notation."""
    mantissa, power = _split(value)
    return rf"${mantissa} \times 10^{{{power}}}$" if power else mantissa


def _split(value: float | None) -> tuple[str, str]:
    mantissa, _, power = in_text(value).partition("e-" if value and abs(value) < 1 else "e+")
    return mantissa, ("-" if value and abs(value) < 1 else "") + str(int(power)) if power else ""
