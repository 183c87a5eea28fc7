#!/bin/sh
# pytest-xdist 3.8.0 with pytest 9.2.0, --dist loadgroup.
# Expected: tests marked with the same `xdist_group` run in one process.
# Seen: they are shared out one by one, without a word. xdist writes the group into Item._nodeid; pytest 9.2 keeps the ID of
#   a test elsewhere and never reads that attribute.
# Source of the expectation: pytest-xdist, "Running tests across multiple CPUs": --dist loadgroup.
# Here: tests/sharing.py shares out by groups of its own.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pytest==9.2.0 pytest-xdist==3.8.0
cat >"$folder/test_group.py" <<'PYTHON'
import os

import pytest

FOLDER = os.path.dirname(__file__)


@pytest.mark.xdist_group("one")
@pytest.mark.parametrize("n", range(40))
def test_where(n):
    with open(f"{FOLDER}/{os.environ['PYTEST_XDIST_WORKER']}.ran", "a") as file:
        file.write(f"{n}\n")
PYTHON
(cd "$folder" && venv/bin/python -m pytest -q -n 2 --dist loadgroup -p no:cacheprovider test_group.py)
processes=$(find "$folder" -name '*.ran' | wc -l)
echo "The tests of one group ran in $processes processes."
[ "$processes" -gt 1 ]
