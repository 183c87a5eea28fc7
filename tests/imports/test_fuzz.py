"""Any bytes, and the hostile files with a few bytes changed: rows or one typed problem, never anything else.

`CDP_FUZZ=20000` tries that many examples of each; a usual run tries 300.
"""

import os
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.imports.hostile import outcome
from tests.imports.test_hostile import FILES

EXAMPLES = int(os.environ.get("CDP_FUZZ", "300"))
SETTINGS = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
SMALL = 4_000
BYTES = [data.encode() if isinstance(data, str) else data for _number, _code, data in FILES]
# Workbooks start a process each; they and what is large are tried less often.
TEXTS = [data for data in BYTES if len(data) < SMALL and b"xl/workbook" not in data]
WORKBOOKS = [data for data in BYTES if len(data) < SMALL and b"xl/workbook" in data]
PIECES = st.sampled_from(
    [b"\x00", b"\xff", b"\xfe\xff", b"\xef\xbb\xbf", b'"', b"'", b"\n", b"\r", b"\r\n", b",", b";", b"\t", b"|",
     b"sep=;\n", b"\xc3", b"\xe2\x80\xa8", b"\xed\xa0\x80", b"@", b"a" * 300, b"=1+1", b"\x1f\x8b", b"PK\x03\x04"]
)  # fmt: skip
CHANGES = st.lists(
    st.tuples(st.sampled_from(["insert", "replace", "remove", "double"]), st.floats(0, 1), st.integers(1, 40), PIECES),
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


def tried(data: bytes) -> None:
    """Nothing but rows or a problem with a code; `outcome` raises whatever else comes."""
    with tempfile.TemporaryDirectory() as folder:
        assert outcome(data, Path(folder))


@SETTINGS
@given(data=st.sampled_from(TEXTS), changes=CHANGES)
def test_hostile_files_with_changes(data: bytes, changes: list[tuple[str, float, int, bytes]]) -> None:
    tried(mutated(data, changes))


@SETTINGS
@given(data=st.one_of(st.binary(max_size=400), st.lists(PIECES, max_size=30).map(b"".join)))
def test_any_bytes(data: bytes) -> None:
    tried(data)


@settings(SETTINGS, max_examples=max(EXAMPLES // 10, 10))
@given(data=st.sampled_from(WORKBOOKS), changes=CHANGES)
def test_workbooks_with_changes(data: bytes, changes: list[tuple[str, float, int, bytes]]) -> None:
    tried(mutated(data, changes))
