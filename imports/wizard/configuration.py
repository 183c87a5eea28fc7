"""Settings of an import by name, as programs give them: the command line, the API, connectors. One road from a file to an
import that the workers have, or that waits for its review."""

from collections.abc import Iterable, Mapping
from typing import Any

from imports.files.reader import FileProblem
from imports.models import Import
from imports.options import REVIVING, BadOption, Options
from imports.problems import catalogue
from imports.wizard import column_choices, saved_mappings, upload
from tenants.models import Tenant, User

DIALECT = ("encoding", "separator", "quote", "header", "header_line")
SETTINGS = tuple(name for name in Options.__dataclass_fields__ if name != "segments")
# What is done about the looks of a workbook: name → the value that is the default, the other one.
LOOKS = {"merged": ("first", "fill"), "hidden": ("import", "skip")}
NAMES = (*DIALECT, *SETTINGS, "sheet", *LOOKS, "segment", "description", "unknown", "saved")
# Names that begin so have the name of a column behind them.
BY_COLUMN = ("map.", "format.")
# What `create` and `configure` raise for a file or a setting that an import cannot start with.
REFUSALS = (FileProblem, BadOption, column_choices.BadMapping, saved_mappings.NoSuchMapping)


class NotPermitted(BadOption):
    """A setting that the person or program who gives it may not use."""


def is_name(name: str) -> bool:
    """Whether a setting of this name exists."""
    return name in NAMES or name.startswith(BY_COLUMN)


def read_pairs(pairs: Iterable[str]) -> dict[str, Any]:
    """Settings by name from `NAME=VALUE` each; `segment` may be given several times and is a list. Raises BadOption."""
    wanted: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not is_name(name):
            raise BadOption(f"{pair}: the name must be one of {', '.join(NAMES)}, map.HEADER, format.HEADER.")
        if name == "segment":
            wanted.setdefault(name, []).append(value)
        else:
            wanted[name] = value
    return wanted


def create(
    chunks: Iterable[bytes],
    *,
    file_name: str,
    tenant: Tenant,
    user: User | None,
    origin: str,
    wanted: Mapping[str, Any],
    review: bool,
    may_revive: bool = True,
) -> Import:
    """Store a file, set what is `wanted` and hand the import to the workers, which with `review` stop before anything is
    written. `may_revive`: settings that wake contacts who had gone are permitted (imports.options.REVIVING). Raises
    REFUSALS; no file is left behind then, and the caller's rollback takes the import away."""
    imp = upload.store_upload(chunks, file_name=file_name, tenant=tenant, user=user, origin=origin)
    try:
        configure(imp, tenant, wanted, review=review, may_revive=may_revive)
    except BaseException:
        upload.discard(imp)
        raise
    return imp


def configure(imp: Import, tenant: Tenant, wanted: Mapping[str, Any], *, review: bool, may_revive: bool = True) -> None:
    """Set what is `wanted` (NAMES, map.HEADER, format.HEADER → value) on an import that waits for its mapping, and start it.
    Raises REFUSALS."""
    dialect = {name: wanted[name] for name in DIALECT if name in wanted}
    if not {"sheet", *LOOKS}.isdisjoint(wanted):
        try:
            fill, skip_hidden = (_look(wanted, name) for name in LOOKS)
            upload.select_sheet(imp, tenant, str(wanted.get("sheet", imp.sheet)), fill=fill, skip_hidden=skip_hidden)
        except upload.BadSheet as problem:
            raise BadOption(str(problem)) from problem
    if dialect:
        column_choices.reread_file(imp, tenant, dialect)
    maps = {name[4:]: str(value) for name, value in wanted.items() if name.startswith("map.")}
    written = {name[7:]: str(value) for name, value in wanted.items() if name.startswith("format.")}
    if "saved" in wanted:
        saved_mappings.named(imp, str(wanted["saved"]))
    options = Options.parse({**imp.options, **{k: v for k, v in wanted.items() if k in (*SETTINGS, "segment")}})
    if options.revives and not may_revive:
        said = ", ".join(f"{name}={value}" for name, value in REVIVING.items() if getattr(options, name) == value)
        raise NotPermitted(f"{said} needs the permission imports.revive.")
    chosen = column_choices.apply_choices(
        imp, maps, written=written, create_unknown=wanted.get("unknown") == "create", options=options
    )
    imp.description = str(wanted.get("description", ""))[:300]
    imp.save(update_fields=["description"])
    upload.start(imp, options=options, columns=chosen, auto_start=not review)


def _look(wanted: Mapping[str, Any], name: str) -> bool:
    """Whether something is done about the looks of a workbook. Raises BadOption."""
    value = wanted.get(name, LOOKS[name][0])
    if value not in LOOKS[name]:
        raise BadOption(f"{name}={value} is not allowed. Choose one of: {', '.join(LOOKS[name])}.")
    return LOOKS[name].index(value) == 1


def refusal(problem: Exception) -> tuple[str, str]:
    """(code, sentence) of one of REFUSALS, for a program and for the person behind it."""
    if isinstance(problem, FileProblem):
        return problem.code, catalogue.sentence(problem.code, **problem.facts)
    if isinstance(problem, column_choices.Ambiguous):
        return "format_ambiguous", f"{problem} Set format.{problem.name} to {' or '.join(problem.ways)}."
    code = next((code for kind, code in _CODES.items() if isinstance(problem, kind)), "mapping_invalid")
    return code, str(problem)


_CODES = {
    NotPermitted: "setting_not_permitted",
    BadOption: "setting_invalid",
    saved_mappings.NoSuchMapping: "saved_mapping_unknown",
}
