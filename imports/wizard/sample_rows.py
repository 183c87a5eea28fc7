"""The first rows of a file as an import would take them: the cleaner of the import on a mapping that is only looked at."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from contacts.values.types import TYPES
from imports.cleaning.cells import CleanRow
from imports.mapping import guess, value_formats
from imports.models import Import
from imports.options import Options
from imports.pipeline import parse_unit, strict_values
from imports.problems import catalogue
from imports.wizard import column_choices, upload

ROWS = 20


@dataclass
class Cell:
    """A cell as it will be stored, or as the file has it, with its problem."""

    value: str
    title: str = ""
    remedy: str = ""


@dataclass
class Row:
    """A row of the preview: its line, its cells, whether it would be in error, and what is wrong with the row itself."""

    line: int
    cells: list[Cell]
    bad: bool = False
    reasons: list[str] = field(default_factory=list)


def draft(imp: Import, choices: Mapping[str, str], written: Mapping[str, str]) -> list[dict[str, Any]]:
    """A mapping of choices that nobody has checked yet, by "#index": nothing is made, what cannot be is skipped."""
    own = upload.custom_attributes()
    types = {key: attribute.type for key, attribute in own.items()}
    out: list[dict[str, Any]] = []
    taken = {"skip"}
    for i, name in enumerate(imp.header):
        choice = choices.get(f"#{i}", "skip")
        kind = value_formats.type_of(choice, types)
        target = f"new_{i}" if choice.startswith("new:") else choice
        known = target in types or target in guess.LABELS or "." in target or target.endswith(("_id", "_status"))
        if target in taken or kind not in TYPES or not (known or choice.startswith("new:")):
            out.append({"target": "skip"})
            continue
        taken |= {target} - {"event.property"}
        options = own[target].options if target in own else {}
        out.append({"target": target, "type": kind, "options": options, "key": column_choices.key_of(name)})
    _write(imp, out, written)
    return out


def _write(imp: Import, out: list[dict[str, Any]], written: Mapping[str, str]) -> None:
    types = {
        i: column_choices.type_of(column)
        for i, column in enumerate(out)
        if value_formats.kind_of(column_choices.type_of(column))
    }
    proposals = column_choices.find_formats(imp, types, {i: out[i]["options"] for i in types})
    for i, type_key in types.items():
        choice = written.get(f"#{i}", "")
        known = value_formats.possible(value_formats.kind_of(type_key), choice)
        out[i]["formats"] = value_formats.expanded(choice if known else proposals[i].choice)
    if strict_values.is_strict():
        for column in out:
            column["strict"] = True


def rows(imp: Import, chosen: list[dict[str, Any]], options: Options) -> list[Row]:
    """The first rows by this mapping and these settings. The import itself is not changed."""
    like = Import(header=imp.header, mapping=chosen, options={**options.as_json(), "bad_value": "drop"})
    cleaner = parse_unit.compiled(like)
    seen = column_choices.preview(imp, rows=ROWS, kept=value_formats.kept_columns(chosen))
    sample = []
    for line, cells in zip(seen.lines, seen.rows, strict=True):
        clean, said = cleaner.row(cells)
        padded = [cells[i].strip() if i < len(cells) else "" for i in range(len(imp.header))]
        shown = [Cell(_value(column["target"], padded[i], clean)[:80]) for i, column in enumerate(chosen)]
        for problem in said:
            if problem.column is not None:
                shown[problem.column] = Cell(
                    padded[problem.column][:80],
                    catalogue.title(problem.code),
                    catalogue.remedy(
                        problem.code, example=value_formats.example(chosen[problem.column]), **problem.facts
                    ),
                )
        reasons = [catalogue.title(problem.code) for problem in said if problem.column is None]
        bad = clean is None or bool(said and options.bad_value == "error")
        sample.append(
            Row(line, [cell for cell, c in zip(shown, chosen, strict=True) if c["target"] != "skip"], bad, reasons)
        )
    return sample


def _value(target: str, cell: str, clean: CleanRow | None) -> str:
    """What is stored of a cell that can be read; the cell itself where the row says nothing better."""
    if clean is None or not cell:
        return cell
    if target == "full_name":
        return " ".join(filter(None, (clean.values["first_name"], clean.values["last_name"])))
    if target in clean.values:
        return clean.values[target] or cell
    value = clean.attributes.get(target, cell)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " | ".join(map(str, value))
    return value if isinstance(value, str) else orjson.dumps(value).decode()
