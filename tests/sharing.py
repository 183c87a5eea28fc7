"""How tests are shared out to several processes (`make test`): which stay together, and which begin first.

One run has three kinds of groups. A group is run in one process from its first test to its last.

- `alone`: what watches a browser, or kills and restarts programs. One at a time in one process, because each has a whole
  stack or a browser of its own to wait for; it begins first, and mostly waits, while other processes use the cores.
- A part of a file, where tests name it by the mark `xdist_group`: the files that take minutes.
- A file, for all others: its tests share what its fixtures have made.

Files marked `long` begin before the others, so that no process is left with a long one at the end.

It refines `--dist loadfile`. xdist's own `loadgroup` writes the group into the ID of a test, which pytest 9.2 no longer lets
it do (findings/xdist-loadgroup.sh). So each process notes the groups in its folder, and the one that shares out reads them.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

ALONE = "alone"
NOTE = "groups.json"
# More processes would only take memory from the servers.
MOST = 4


class Sharing(LoadScopeScheduling):  # type: ignore[misc]  # xdist ships no types
    """Groups where tests name one, else files."""

    groups: dict[str, str] | None = None

    def schedule(self) -> None:
        """Begin once every process has collected: all of them have found the same, so one note is enough."""
        if self.groups is None:
            note = next(Path(os.environ["CDP_HOME"]).glob(f"gw*/{NOTE}"))
            self.groups = json.loads(note.read_text())
        super().schedule()

    def _split_scope(self, nodeid: str) -> str:
        return (self.groups or {}).get(nodeid) or nodeid.split("::", 1)[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """A process for each core, and one for what mostly waits."""
    return None if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ else min(os.cpu_count() or 1, MOST) + 1


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Sharing | None:
    """Ours where files are to stay together; whoever asks for something else gets that."""
    return Sharing(config, log) if config.option.dist == "loadfile" else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where this is one of several processes: note the groups, and put first what begins first."""
    if not hasattr(config, "workerinput"):
        return
    groups = {item.nodeid: group for item in items if (group := group_of(item))}
    (Path(os.environ["CDP_HOME"]) / NOTE).write_text(json.dumps(groups))
    items.sort(key=lambda item: 0 if group_of(item) == ALONE else 1 if item.get_closest_marker("long") else 2)


def group_of(item: pytest.Item) -> str:
    """`alone` for what needs a browser or kills programs; else what the test is marked with, or nothing."""
    if any(item.get_closest_marker(name) for name in ("browser", "faults")):
        return ALONE
    mark = item.get_closest_marker("xdist_group")
    return str(mark.args[0]) if mark else ""
