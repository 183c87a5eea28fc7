"""The docs tell everything that can be set, called or met, and point at nothing that is not there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from contacts.values.types import CORE, SYSTEM, TYPES
from imports.mapping.guess import CORE_TARGETS
from imports.models import Phase, Status
from imports.options import CHOICES, Options
from tenants.roles import PERMISSIONS, Role
from tests.docs import generate, rules_page
from tracking.pixel import hits

ROOT = Path(__file__).resolve().parents[2]
APPS = (
    "core",
    "cdp",
    "tenants",
    "contacts",
    "tracking",
    "segments",
    "imports",
    "sources",
    "audiences",
    "destinations",
    "connectors",
    "api",
)
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
# What is made of the running product (a picture of it, its measurements) and may not be there yet.
LATER: set[str] = set()
# Folders and files that the program makes when it runs.
MADE = re.compile(r"\.(home|venv)(/|$)|\.env$")
FORBIDDEN = re.compile(
    r"\b(TODO|FIXME|XXX|HACK|TBD|WIP)\b|/(home|root|work|Users|tmp)/|\bpypi\b|\bnpmjs\b", re.IGNORECASE
)

VARIABLE = re.compile(
    r"""env(?:\.\w+)?\(\s*"([A-Z_]+)"|environ(?:\.get)?[\[(]"([A-Z_]+)"|\$\{([A-Z_]+)[:}]|^\s+([A-Z][A-Z_]+):\s""",
    re.MULTILINE,
)
SOURCES = (
    "cdp/settings.py",
    "cdp/stack/stack.py",
    "cdp/stack/machine.py",
    "cdp/stack/embedded.py",
    "docker-compose.yml",
    "bin/bootstrap",
    "bin/chromium",
)
# Read by the scripts but settings of others: the shell's, pip's, uv's.
FOREIGN = re.compile(r"HOME$|PATH$|(PIP|UV|SSL)_")


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def everything() -> str:
    return "\n".join(page.read_text(encoding="utf-8") for page in PAGES)


def marked(text: str) -> set[str]:
    """What stands in backticks, also as a part: `name=value`, `--name`, `make up`."""
    found = {word for code in re.findall(r"`([^`\n]+)`", text) for word in (code, *re.split(r"[\s=,:{}\"]+", code))}
    return found | {
        word for block in re.findall(r"```.*?```", text, re.DOTALL) for word in re.split(r"[\s=\[\]\"]+", block)
    }


def variables() -> set[str]:
    found = {name for source in SOURCES for groups in VARIABLE.findall(text_of(source)) for name in groups if name}
    found |= set(re.findall(r"^([A-Z_]+)=", text_of(".env.example"), re.MULTILINE))
    return {name for name in found if not FOREIGN.match(name)}


def commands() -> set[str]:
    return {p.stem for app in APPS for p in (ROOT / app / "management" / "commands").glob("[a-z]*.py")}


def test_the_patterns_find_something() -> None:
    assert {"SECRET_KEY", "CDP_PORT", "CDP_PG_BIN", "VALKEY_PASSWORD", "TMPDIR", "VENV"} <= variables()
    assert {"up", "import_contacts", "schema"} <= commands()


def test_every_environment_variable_is_told() -> None:
    assert sorted(variables() - marked(text_of("docs/environment.md"))) == []


def test_no_environment_variable_is_told_that_nobody_reads() -> None:
    told = set(re.findall(r"^\| `([A-Z_]+)`", text_of("docs/environment.md"), re.MULTILINE))
    assert sorted(told - variables()) == []


def test_every_target_of_make_is_told() -> None:
    targets = re.findall(r"^([a-z]+):.*##", text_of("Makefile"), re.MULTILINE)
    assert len(targets) > 5
    told = marked(everything())
    assert [t for t in targets if f"make {t}" not in told] == []


def test_every_command_is_told() -> None:
    headings = re.findall(r"^## (\w+)$", text_of("docs/commands.md"), re.MULTILINE)
    told = {*headings, *re.findall(r"`(\w+)`", text_of("docs/commands.md"))}
    assert sorted(commands() - told) == []


def test_every_option_of_a_command_is_told() -> None:
    files = [ROOT / "cdp/stack/stack.py", *(p for app in APPS for p in (ROOT / app).glob("management/commands/*.py"))]
    options = {o for p in files for o in re.findall(r'add_argument\(\s*"(--[a-z-]+)"', p.read_text())}
    told = set(re.findall(r"--[a-z][a-z-]+", text_of("docs/commands.md")))
    assert sorted(options - told) == []


def test_every_setting_of_an_import_is_told_with_its_values() -> None:
    text = text_of("docs/commands.md")
    rows = {
        name: set(re.findall(r"`([^`]+)`", rest))
        for name, rest in re.findall(r"^\| `([\w.]+)` \|(.*)$", text, re.MULTILINE)
    }
    names = re.search(r"^DIALECT = (.*)$", text_of("imports/wizard/configuration.py"), re.MULTILINE)
    assert names
    dialect = re.findall(r'"(\w+)"', names[1])
    assert (
        sorted({*Options.__dataclass_fields__, *dialect, "segment", "unknown", "map.HEADER"} - {*rows, "segments"})
        == []
    )
    assert {name: sorted(set(values) - rows[name]) for name, values in CHOICES.items()} == {n: [] for n in CHOICES}
    defaults = Options()
    for name in CHOICES:
        first = re.search(rf"^\| `{name}` \| `(\w+)`", text, re.MULTILINE)
        assert first, name
        assert first[1] == getattr(defaults, name)


def test_every_target_of_a_mapping_is_told() -> None:
    told = marked(text_of("docs/attributes.md"))
    assert sorted({*CORE_TARGETS, *CORE, *SYSTEM} - told) == []


@pytest.mark.parametrize("key", TYPES)
def test_every_attribute_type_is_told(key: str) -> None:
    row = re.search(rf"^\| `{key}` \| (.+?) \|", text_of("docs/attributes.md"), re.MULTILINE)
    assert row, f"docs/attributes.md has no row for {key}"
    assert row[1] == TYPES[key].label


@pytest.mark.parametrize("key", SYSTEM)
def test_every_system_attribute_has_its_name_and_type(key: str) -> None:
    attribute = SYSTEM[key]
    assert f"| `{key}` | {attribute.label} | `{attribute.type}`" in text_of("docs/attributes.md")


def test_every_problem_code_is_told() -> None:
    again = "write the page again: python -m tests.docs.generate"
    assert generate.PAGE.read_text(encoding="utf-8") == generate.page(), again


def test_the_reference_of_rules_is_what_the_tables_say() -> None:
    assert rules_page.PAGE.read_text(encoding="utf-8") == rules_page.page(), "write the page again: make rules"


def test_the_table_of_roles_is_true() -> None:
    rows = re.findall(r"^\| `([\w.]+)` \|(.+)\|$", text_of("docs/roles.md"), re.MULTILINE)
    head = re.search(r"^\| Permission \|(.+)\| For \|$", text_of("docs/roles.md"), re.MULTILINE)
    assert head
    roles = [name.strip() for name in head[1].split("|")]
    assert roles == [role.value for role in Role]
    told = {
        name: {role for role, word in zip(roles, cells.split("|"), strict=False) if word.strip() == "yes"}
        for name, cells in rows
    }
    assert told == {name: {role.value for role in allowed} for name, allowed in PERMISSIONS.items()}


def test_phases_statuses_and_drops_are_told() -> None:
    row, hit = text_of("docs/life-of-a-row.md"), text_of("docs/life-of-a-hit.md")
    assert [p.value for p in Phase if f"`{p.value}`" not in row] == []
    assert [s.label for s in Status if s.label not in row] == []
    reasons = set(re.findall(r'Dropped\("(\w+)"\)', text_of("tracking/pixel/hits.py")))
    assert sorted(reasons - marked(hit)) == []
    assert sorted(hits.KINDS - marked(hit)) == []


def test_every_decision_is_in_the_list() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = re.findall(r"\((\d{4}-[\w-]+\.md)\)", (folder / "README.md").read_text())
    assert listed == sorted(p.name for p in folder.glob("[0-9]*.md"))


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md")), ids=lambda page: page.stem)
def test_every_decision_has_the_same_form(page: Path) -> None:
    """Its number and itself as the heading; what was asked, what was decided, why, and what it costs; 30 lines."""
    text = page.read_text()
    assert text.startswith(f"# {int(page.name[:4])}. ")
    assert len(text.splitlines()) <= 30
    parts = re.findall(r"^\*\*(Question|Decision|Why|Costs)\b[^*]*\.\*\*", text, re.MULTILINE)
    assert list(dict.fromkeys(parts)) == ["Question", "Decision", "Why", "Costs"]


# --- every page -------------------------------------------------------------------------------------------------------


def links(page: Path) -> Iterator[str]:
    """Relative targets of a page's links and pictures, from the root."""
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if not re.match(r"[a-z]+:", target):
            yield target


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in headings}


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name: str) -> None:
    page = ROOT / name
    for link in links(page):
        path, _hash, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        inside = str(target.relative_to(ROOT))
        assert target.exists() or inside in LATER, f"{name}: {link}"
        assert not anchor or anchor in anchors(target), f"{name}: {link}"


def paths(text: str) -> set[str]:
    """What looks like a path of the repository among the words in backticks."""
    words = {word for code in re.findall(r"`([^`\n]+)`", text) for word in code.split()}
    tops = {p.name for p in ROOT.iterdir()}
    whole = {word.rstrip(".,:") for word in words if re.fullmatch(r"[\w.][\w.\-/]*", word)}
    known_ends = (".py", ".md", ".sql", ".sh", ".toml", ".yml", ".html", ".js", ".css", ".txt")
    return {w for w in whole if ("/" in w and w.split("/")[0] in tops) or (w in tops) or w.endswith(known_ends)}


@pytest.mark.parametrize("name", NAMES)
def test_paths_exist(name: str) -> None:
    found = {p for p in paths(text_of(name)) if not MADE.match(p)}
    missing = [p for p in sorted(found) if not (ROOT / p).exists() and p not in MENTIONED | LATER]
    assert missing == [], f"{name} names files that are not there"


# Names of files without their folder, where the folder is said beside them or does not matter.
MENTIONED = {"queries.py", "options.py", "cleaning.py", "manage.py"}


# Tables of figures, and what only grows.
LONGEST = {"docs/benchmarks.md": 500, "docs/commands.md": 200, "CHANGELOG.md": 1_000}


@pytest.mark.parametrize("name", NAMES)
def test_pages_are_finished_and_short(name: str) -> None:
    lines = text_of(name).splitlines()
    assert [f"{name}:{no}" for no, line in enumerate(lines, 1) if FORBIDDEN.search(line)] == []
    assert len(lines) <= LONGEST.get(name, 150) or name in LATER
    assert lines[0].startswith("# ")
