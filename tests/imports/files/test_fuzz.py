"""Files made by chance: rows or one typed problem, never anything else, in little time and memory.

Most files come from `made.file`, which makes some thousands a second; hypothesis, which makes some hundreds, finds shorter
examples and tries fewer. `CDP_FUZZ=200000` tries that many files, `CDP_FUZZ_FROM=1000000` others than the usual ones.
"""

import gc
import os
import random
import resource
import tempfile
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imports.files import reader
from imports.files.reader import FileProblem
from tests.imports import random_files
from tests.imports.files.test_hostile_files import FILES
from tests.imports.hostile_files import check, cleaned, cleaner, opened, outcome, told

COUNT = int(os.environ.get("CDP_FUZZ", "4000"))
FIRST = int(os.environ.get("CDP_FUZZ_FROM", "0"))
EXAMPLES = max(200, COUNT // 100)
SETTINGS = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
SMALL = 4_000
PARTS = 20
# Seconds of computing for a file, and for each kilobyte of it; bytes of memory, above what was in use before.
TIME, TIME_PER_KB = 0.050, 0.005
MEMORY = 30 << 20
# What `slowness` counts takes so long on a machine of today that has nothing else to do.
REFERENCE = 0.0100
# What all files together may leave behind: caches of the interpreter and of patterns, not more with every file.
GROWTH_KIB = 60 << 10
BYTES = [data.encode() if isinstance(data, str) else data for _number, _said, data in FILES]
# Workbooks start a process each and are tried less often; what is large is made by chance as well.
TEXTS = [data for data in BYTES if len(data) < SMALL and b"xl/workbook" not in data]
WORKBOOKS = [data for data in BYTES if len(data) < SMALL and b"xl/workbook" in data]


@pytest.fixture(scope="module", autouse=True)
def _only_what_files_take() -> Iterator[None]:
    """The collector of garbage does not go through all that the test run itself has loaded, at the cost of the files."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def in_spans(data: bytes, folder: Path, chance: random.Random, *, pieces: int, checked: bool = False) -> object:
    """All that becomes of a file that is cut into about so many spans, or the problem that it has."""
    try:
        path, dialect, look = opened(data, folder)
        clean = cleaner(look.header, look.rows, chance=chance)
        size = max(path.stat().st_size // pieces, 1) + 64
        blocks = cleaned(path, dialect, clean, unit_bytes=size)
        if checked:
            check(path, dialect, blocks)
    except FileProblem as problem:
        return told(problem)
    return (
        sum(block.rows for block in blocks),
        "".join(block.staged for block in blocks),
        [issue for block in blocks for issue in block.issues],
        [rejected for block in blocks for rejected in block.rejected],
    )


def computed(data: bytes, folder: Path, chance: random.Random, *, pieces: int) -> tuple[object, float]:
    """What becomes of a file and the seconds of computing: of this process alone, so that a busy machine does not count."""
    start = time.process_time()
    found = in_spans(data, folder, chance, pieces=pieces)
    return found, time.process_time() - start


def slowness() -> float:
    """How much slower this machine is now than the one that the bounds are meant for: two programs that share a core count
    nearly twice the time, each for itself."""
    start = time.process_time()
    sum(len(str(number)) for number in range(100_000))
    return max(1.0, (time.process_time() - start) / REFERENCE)


def tried(number: int, folder: Path) -> None:
    """One file: whole and cut it becomes the same, and its time is within bounds in one of three tries."""
    data, pieces = random_files.file(number, TEXTS), random.Random(number).choice((2, 5, 30))
    allowed = TIME + TIME_PER_KB * len(data) / 1000
    found, seconds = computed(data, folder, random.Random(number), pieces=pieces)
    tries = 1
    while seconds > allowed and tries < 3:
        before = slowness()
        found, seconds = computed(data, folder, random.Random(number), pieces=pieces)
        seconds /= max(before, slowness())
        tries += 1
    assert seconds <= allowed, f"{len(data)} bytes took {seconds:.3f} s"
    whole = in_spans(data, folder, random.Random(number), pieces=1, checked=True)
    assert found == whole, "a cut file becomes something else"


@pytest.mark.parametrize("part", range(PARTS))
def test_files_made_by_chance(part: int, tmp_path: Path) -> None:
    for number in range(FIRST + part, FIRST + COUNT, PARTS):
        try:
            tried(number, tmp_path)
        except BaseException as problem:
            problem.add_note(f"This is made.file({number}, TEXTS).")
            raise


def test_memory_of_one_file(tmp_path: Path) -> None:
    """A sample, as counting every block of memory takes several times as long; the longest cells are among it."""
    chance = random.Random(FIRST)
    sample = [random_files.file(number, TEXTS) for number in range(FIRST, FIRST + COUNT, max(COUNT // 60, 1))]
    sample += [kind(chance) for kind in (random_files.large, random_files.wide, random_files.long) for _ in range(3)]
    in_spans(sample[0], tmp_path, chance, pieces=1)  # what is loaded once is no file's
    tracemalloc.start()
    try:
        for data in sample:
            tracemalloc.reset_peak()
            before, _peak = tracemalloc.get_traced_memory()
            in_spans(data, tmp_path, chance, pieces=3)
            _now, peak = tracemalloc.get_traced_memory()
            assert peak - before <= MEMORY, f"{len(data)} bytes took {peak - before}"
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_number_of_files(tmp_path: Path) -> None:
    """A tenth of the files once more: whatever they may keep, they have kept it the first time."""
    numbers = range(FIRST, FIRST + max(COUNT // 10, 400))
    for number in numbers[:200]:
        in_spans(random_files.file(number, TEXTS), tmp_path, random.Random(number), pieces=1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in numbers:
        in_spans(random_files.file(number, TEXTS), tmp_path, random.Random(number), pieces=1)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before <= GROWTH_KIB


def test_the_files_are_of_every_kind(tmp_path: Path) -> None:
    """Or the others would prove little: many are read, many of them in several spans, and most problems of files come."""
    codes, read, cut = set(), 0, 0
    for number in range(3000):
        data = random_files.file(number, TEXTS)
        try:
            path, dialect, _look = opened(data, tmp_path)
            read += 1
            cut += len(reader.plan_units(path, dialect, unit_bytes=path.stat().st_size // 5 + 64)) > 1
        except FileProblem as problem:
            codes.add(problem.code)
    assert read > 1200
    assert cut > 400
    assert codes >= {
        "file_empty", "no_rows", "encoding_unreadable", "nul_bytes", "unclosed_quote", "record_too_long", "header_duplicate",
        "header_too_long", "header_quotes", "too_many_columns", "file_type", "file_corrupt",
    }  # fmt: skip


# --- shorter examples, and workbooks ----------------------------------------------------------------------------------

CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["insert", "replace", "remove", "double"]),
        st.floats(0, 1),
        st.integers(1, 40),
        st.sampled_from(random_files.PIECES),
    ),
    min_size=1,
    max_size=5,
)


def mutated(data: bytes, changes: list[tuple[str, float, int, bytes]]) -> bytes:
    for what, where, length, piece in changes:
        at = int(where * len(data))
        cut = data[at : at + length]
        new = {"insert": piece + cut, "replace": piece, "remove": b"", "double": cut + cut}[what]
        data = data[:at] + new + data[at + length :]
    return data


def answered(data: bytes) -> None:
    """Nothing but rows or a problem with a code; `outcome` raises whatever else comes."""
    with tempfile.TemporaryDirectory() as folder:
        outcome(data, Path(folder))


@SETTINGS
@given(data=st.sampled_from(TEXTS), changes=CHANGES)
def test_hostile_files_with_changes(data: bytes, changes: list[tuple[str, float, int, bytes]]) -> None:
    answered(mutated(data, changes))


@SETTINGS
@given(
    data=st.one_of(st.binary(max_size=400), st.lists(st.sampled_from(random_files.PIECES), max_size=30).map(b"".join))
)
def test_any_bytes(data: bytes) -> None:
    answered(data)


@settings(SETTINGS, max_examples=max(EXAMPLES // 10, 20))
@given(data=st.sampled_from(WORKBOOKS), changes=CHANGES)
def test_workbooks_with_changes(data: bytes, changes: list[tuple[str, float, int, bytes]]) -> None:
    answered(mutated(data, changes))
