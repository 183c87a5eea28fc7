"""How tests are shared out to several processes (`make test`): which stay together, and which begin first.

One run has three kinds of groups. A group is run in one process from its first test to its last.

- `alone`: what watches a browser, or kills and restarts programs. One at a time in one process, because each has a whole
  stack or a browser of its own to wait for; it begins first, and mostly waits, while other processes use the cores.
- A part of a file, where tests name it by `xdist_group`: the files that take minutes.
- A file, for all others: its tests share what its fixtures have made.

Files marked `long` begin before the others, so that no process is left with a long one at the end.
"""

from typing import Any

import pytest
from xdist.scheduler import LoadGroupScheduling

ALONE = "alone"


class Sharing(LoadGroupScheduling):  # type: ignore[misc]  # xdist ships no types
    """Groups where tests name one, else files."""

    def _split_scope(self, nodeid: str) -> str:
        group: str = super()._split_scope(nodeid)
        return group if group != nodeid else nodeid.split("::", 1)[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Sharing | None:
    """Ours where groups are asked for; whoever asks for something else gets that."""
    return Sharing(config, log) if config.option.dist == "loadgroup" else None


@pytest.hookimpl(tryfirst=True)  # before xdist writes the groups into the names of the tests
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where this is one of several processes: name the group of what runs alone, and put first what begins first."""
    if not hasattr(config, "workerinput"):
        return
    for item in items:
        if is_alone(item):
            item.add_marker(pytest.mark.xdist_group(ALONE))
    items.sort(key=lambda item: 0 if is_alone(item) else 1 if item.get_closest_marker("long") else 2)


def is_alone(item: pytest.Item) -> bool:
    """Whether a test needs a browser, or kills and restarts programs."""
    return any(item.get_closest_marker(name) for name in ("browser", "faults"))
