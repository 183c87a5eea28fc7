"""Tables, printed while the run goes on and collected for the page."""

from collections.abc import Sequence


class Report:
    """Sections of Markdown."""

    def __init__(self) -> None:
        self.parts: list[str] = []

    def section(self, title: str, words: str) -> None:
        self._add(f"\n## {title}\n\n{words}\n")

    def note(self, words: str) -> None:
        self._add(f"\n{words}\n")

    def table(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """The first column is text, the others are figures."""
        lines = ["", f"| {' | '.join(header)} |", f"|---|{'---:|' * (len(header) - 1)}"]
        lines += [f"| {' | '.join(row)} |" for row in rows]
        self._add("\n".join([*lines, ""]))

    def _add(self, text: str) -> None:
        self.parts.append(text)
        print(text, flush=True)

    def page(self, head: str) -> str:
        return head.rstrip() + "\n" + "\n".join(part.strip("\n") + "\n" for part in self.parts)


def seconds(value: float) -> str:
    return f"{value:.1f} s"


def times(value: float) -> str:
    """A ratio: 2.4×."""
    return f"{value:.2f}×" if value < 10 else f"{value:.0f}×"


def count(value: float) -> str:
    return f"{value:,.0f}"


def mib(value: float) -> str:
    return f"{value:,.0f} MiB"


def ms(value: float) -> str:
    return f"{value * 1000:.0f} ms" if value >= 0.01 else f"{value * 1000:.1f} ms"
