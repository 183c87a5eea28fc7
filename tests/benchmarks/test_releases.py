"""Today beside the last release: what counts as better, and that nothing fails when nothing is kept."""

from pathlib import Path

import pytest

from benchmarks import releases

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("name", "before", "now", "meaning"),
    [
        ("Undo ÷ import", 0.8, 0.4, "2.00× better"),
        ("Undo ÷ import", 0.4, 0.8, "2.00× worse"),
        ("Undo ÷ import", 0.80, 0.82, "the same"),
        ("Times the usual task, new contacts", 3.0, 6.0, "2.00× better"),
        ("Times the usual task, new contacts", 6.0, 3.0, "2.00× worse"),
        ("Times the usual task, new contacts", None, 3.0, "new"),
        ("Undo ÷ import", 0.0, 3.0, "–"),
    ],
)
def test_less_time_and_more_speed_are_better(name: str, before: float | None, now: float, meaning: str) -> None:
    [row] = releases.compare({} if before is None else {name: before}, {name: now})
    assert (row[0], row[3]) == (name, meaning)


@pytest.mark.parametrize(
    "text", [None, "", "{}", "[]", '{"release": "1", "ratios": [1]}', '{"release": "1", "ratios": {"a": "x"}}']
)
def test_nothing_kept_is_no_failure(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "kept.json"
    if text is not None:
        path.write_text(text)
    assert releases.last(path) == ("", {})


def test_a_run_becomes_the_last_release_and_keeps_what_it_has_not_measured(tmp_path: Path) -> None:
    path = tmp_path / "kept.json"
    releases.keep("1", {"a": 1.234, "b": 2.0}, path)
    releases.keep("2", {"a": 3.0}, path)
    assert releases.last(path) == ("2", {"a": 3.0, "b": 2.0})


def test_what_is_kept_is_what_a_run_measures() -> None:
    release, ratios = releases.last()
    assert release
    measured = (ROOT / "benchmarks" / "plan.py").read_text()
    peers = {name for name in ratios if name.startswith("Times ")}
    assert len(peers) == 4
    assert [name for name in ratios.keys() - peers if f'"{name}"' not in measured] == []
