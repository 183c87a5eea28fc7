"""A minimal workbook, written by hand: what a spreadsheet stores, and what it never would."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
DOCUMENT = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"


class Raw(str):
    """Attributes and inside of a <c> element, for example Raw('s="1"><v>45321</v>')."""


def workbook(
    rows: Sequence[Sequence[object]],
    *,
    sheets: Sequence[str] = ("People",),
    hidden: Sequence[str] = (),
    date1904: bool = False,
    more: Mapping[str, bytes] | None = None,
    sheet: str | None = None,
) -> bytes:
    """The bytes of an XLSX whose first sheet has these rows; `more` adds or replaces parts, `sheet` its whole XML."""
    parts = {
        "[Content_Types].xml": _types(len(sheets)),
        "_rels/.rels": _relations([("officeDocument", "xl/workbook.xml")]),
        "xl/workbook.xml": _book(sheets, hidden, date1904=date1904),
        "xl/_rels/workbook.xml.rels": _relations(
            [("worksheet", f"worksheets/sheet{i + 1}.xml") for i in range(len(sheets))] + [("styles", "styles.xml")]
        ),
        "xl/styles.xml": STYLES,
        "xl/worksheets/sheet1.xml": sheet or sheet_xml(rows),
    }
    for i in range(1, len(sheets)):
        parts[f"xl/worksheets/sheet{i + 1}.xml"] = sheet_xml([["other"], ["sheet"]])
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in {**{n: t.encode() for n, t in parts.items()}, **(more or {})}.items():
            archive.writestr(name, text)
    return out.getvalue()


def sheet_xml(
    rows: Sequence[Sequence[object]], *, before: str = "", after: str = "", hidden_rows: Sequence[int] = ()
) -> str:
    lines = []
    for y, row in enumerate(rows, 1):
        cells = "".join(_cell(f"{chr(65 + x)}{y}", value) for x, value in enumerate(row))
        if cells:
            attribute = ' hidden="1"' if y in hidden_rows else ""
            lines.append(f'<row r="{y}"{attribute}>{cells}</row>')
    return f'<worksheet xmlns="{MAIN}">{before}<sheetData>{"".join(lines)}</sheetData>{after}</worksheet>'


def _cell(address: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Raw):
        return f'<c r="{address}" {value}</c>'
    if isinstance(value, bool):
        return f'<c r="{address}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, int | float):
        return f'<c r="{address}"><v>{value!r}</v></c>'
    return f'<c r="{address}" t="inlineStr"><is><t xml:space="preserve">{escape(str(value))}</t></is></c>'


STYLES = (
    f'<styleSheet xmlns="{MAIN}"><numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd\\ hh:mm"/></numFmts>'
    "<fonts><font/></fonts><fills><fill/></fills><borders><border/></borders><cellStyleXfs><xf/></cellStyleXfs>"
    '<cellXfs><xf numFmtId="0"/><xf numFmtId="14" applyNumberFormat="1"/><xf numFmtId="164" applyNumberFormat="1"/>'
    '<xf numFmtId="21" applyNumberFormat="1"/></cellXfs></styleSheet>'
)


def _types(sheets: int) -> str:
    parts = "".join(
        f'<Override PartName="/xl/worksheets/sheet{i + 1}.xml" ContentType="{TYPES}.worksheet+xml"/>'
        for i in range(sheets)
    )
    return (
        f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{TYPES}.sheet.main+xml"/>{parts}</Types>'
    )


def _relations(targets: Sequence[tuple[str, str]]) -> str:
    inside = "".join(
        f'<Relationship Id="rId{i}" Type="{DOCUMENT}/{kind}" Target="{target}"/>'
        for i, (kind, target) in enumerate(targets, 1)
    )
    return f'<Relationships xmlns="{PACKAGE}/relationships">{inside}</Relationships>'


def _book(sheets: Sequence[str], hidden: Sequence[str], *, date1904: bool) -> str:
    def state(name: str) -> str:
        return "hidden" if name in hidden else "visible"

    inside = "".join(
        f'<sheet name="{escape(name)}" sheetId="{i}" state="{state(name)}" r:id="rId{i}"/>'
        for i, name in enumerate(sheets, 1)
    )
    flag = '<workbookPr date1904="1"/>' if date1904 else ""
    return f'<workbook xmlns="{MAIN}" xmlns:r="{DOCUMENT}">{flag}<sheets>{inside}</sheets></workbook>'
