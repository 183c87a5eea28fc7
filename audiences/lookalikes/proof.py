"""The proof of a lookalike as its page shows it: the sentence, the curve, the sizes that are better than chance."""

from dataclasses import dataclass
from typing import Any

from audiences.models import Lookalike
from core import charts
from core.charts import Chart, Tick
from core.formatting import number

# Members from which on chances are told: of fewer, the same list gives chances up to twice too high or too low by luck alone
# (tests/audiences/lookalikes/test_model.py). Who comes closest is in the right order all the same.
LEAST_FOR_CHANCES = 500
MANY = 10  # a lift is written with a decimal below this


@dataclass(frozen=True)
class Size:
    """One size: what it finds, whether it is better than chance, and whether it is the one that is chosen."""

    percent: int
    lift: dict[str, Any]
    current: bool

    @property
    def passes(self) -> bool:
        return bool(self.lift.get("passes"))

    @property
    def words(self) -> str:
        return times(self.lift["lift"]) if self.lift else "–"

    @property
    def span(self) -> str:
        """The 95 % confidence interval."""
        return f"{times(self.lift['low'], sign='')} to {times(self.lift['high'])}" if self.lift else ""


def tells_chances(lookalike: Lookalike) -> bool:
    """Whether the model has learnt from enough members for its chances to mean something."""
    return int(lookalike.report.get("usable", 0)) >= LEAST_FOR_CHANCES


def sizes(lookalike: Lookalike) -> list[Size]:
    """All sizes, with what is known of each."""
    known = {one["percent"]: one for one in lookalike.report.get("lifts", ())}
    return [Size(percent, known.get(percent, {}), percent == lookalike.size) for percent in Lookalike.SIZES]


def chosen(lookalike: Lookalike) -> Size:
    """The size that is chosen."""
    return next(size for size in sizes(lookalike) if size.current)


def times(lift: float, *, sign: str = " ×") -> str:
    """4.8 ×, 12 ×."""
    return f"{lift:.0f}{sign}" if lift >= MANY else f"{lift:.1f}{sign}"


def curve(lookalike: Lookalike) -> Chart | None:
    """Hidden members found, by share of contacts taken, beside chance; None before the first training."""
    points = lookalike.report.get("curve")
    if not points:
        return None
    labels = [f"{percent} %" for percent, _found in points]
    found = [share for _percent, share in points]
    at = next((place for place, (percent, _found) in enumerate(points) if percent == lookalike.size), len(points) - 1)
    sentence = (
        f"Hidden members found, by share of contacts taken: the closest {lookalike.size} % hold {share_words(found[at])} of "
        f"them, the closest {labels[-1]} {share_words(found[-1])}"
    )
    return charts.line(
        labels, found, name="Hidden members found, in percent", sentence=sentence,
        before=[percent for percent, _found in points], before_name="by chance",
        mark=Tick(at, share_words(found[at])),
    )  # fmt: skip


def share_words(percent: float) -> str:
    """14.5 %."""
    return f"{number(percent, 1)} %"
