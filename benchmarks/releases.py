"""Today against the last release: ratios only, since those of two machines can be compared. Fails nothing.

The ratios of the last release are kept in `last_release.json`; `python -m benchmarks --release NAME` writes those of a run.
"""

import json
from collections.abc import Mapping
from pathlib import Path

KEPT = Path(__file__).with_name("last_release.json")
# Names that begin so say how many times faster than something else we are: more is better.
MORE_IS_BETTER = ("Times ", "Two libraries ")
# A difference below this is noise.
NOISE = 0.05


def last(path: Path = KEPT) -> tuple[str, dict[str, float]]:
    """The name of the last release and its ratios; nothing where nothing readable is kept."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return str(kept["release"]), {str(name): float(value) for name, value in kept["ratios"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return "", {}


def keep(release: str, ratios: Mapping[str, float], path: Path = KEPT) -> None:
    """Keep the ratios of a run as those of a release; what this run has not measured stays as it was."""
    _name, known = last(path)
    kept = {"release": release, "ratios": known | {name: round(value, 2) for name, value in ratios.items()}}
    path.write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def compare(before: Mapping[str, float], today: Mapping[str, float]) -> list[list[str]]:
    """A row for each ratio of today: its name, then, now, and what that means."""
    return [
        [name, _ratio(before.get(name)), _ratio(now), _meaning(name, before.get(name), now)]
        for name, now in today.items()
    ]


def _ratio(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _meaning(name: str, before: float | None, now: float) -> str:
    if not before or not now:
        return "new" if before is None else "–"
    better = now / before if name.startswith(MORE_IS_BETTER) else before / now
    if abs(better - 1) < NOISE:
        return "the same"
    return f"{better:.2f}× better" if better > 1 else f"{1 / better:.2f}× worse"
