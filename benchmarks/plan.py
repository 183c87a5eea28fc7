"""What is measured, in which order, and what each table means."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil
import psycopg

from benchmarks import (
    acts,
    api,
    audiences,
    dashboards,
    files,
    fleet,
    freshness,
    imports,
    lookalikes,
    operations,
    pages,
    peers,
    pixel,
    probable,
    releases,
    rules,
    syncs,
    turns,
    upload,
    validation,
    visitors,
    words,
)
from benchmarks.imports import Run
from benchmarks.report import Report, count, mib, ms, seconds, times
from benchmarks.stack import ROOT, Stack, peak
from contacts.models import Contact
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tracking.models import Event


@dataclass(frozen=True)
class Sizes:
    """How much of everything. `rows` is the large import, `small` the one whose memory it is compared with."""

    rows: int = 1_000_000
    small: int = 200_000
    bulk: int = 15_000  # rows for django-import-export
    task: int = 40_000  # rows for the usual task
    judged: int = 100_000
    judged_plainly: int = 10_000
    pixel_seconds: float = 10.0
    requests: int = 40
    upload: int = 1_000_000_000
    doubles: int = 100_000
    compared: int = 10_000  # made-up people whose doubles are counted
    searched: int = 100_000  # contacts of the workspace that is searched
    activity: int = 100_000  # entries in the activity of one contact
    visited: int = 1_000_000  # contacts, as many visitors, and twenty times as many events
    ruled: int = (
        1_500_000  # contacts of the workspace whose rules are counted; two thirds have a visitor with twenty events
    )
    alike: int = 1_000_000  # contacts among whom a lookalike is found
    batches: int = 20  # requests of 5,000 contacts by the API; fewer and smaller ones when quick
    batch: int = 5_000
    audience: int = 1_500_000  # contacts of the workspace whose audience is sized; two thirds are in it
    synced: int = 1_000_000  # people of a list that is kept at a network
    shown: int = (
        1_000_000  # visitors of the workspace of dashboards; half as many contacts again, twenty times the events
    )
    workspaces: int = 200  # all at work at once
    fleet_seconds: float = 600.0
    fleet_rows: int = 50_000  # of each large import among them; large workspaces have twice as many contacts
    running: int = 500  # imports under way at once on the page of operations


QUICK = Sizes(
    20_000, 5_000, 1_000, 3_000, 5_000, 1_000, 1.0, 5, 20_000_000, 500, 600, 1_000, 500, 2_000, 3_000, 5_000, 2, 500, 2_000,
    2_000, 2_000, 12, 6.0, 2_000, 30,
)  # fmt: skip


def sizes(rows: int, *, quick: bool, fleet_seconds: float = 0) -> Sizes:
    chosen = QUICK if quick else Sizes()
    if fleet_seconds:
        chosen = replace(chosen, fleet_seconds=fleet_seconds)
    return (
        Sizes(**{**vars(chosen), "rows": rows, "small": min(chosen.small, rows), "synced": min(chosen.synced, rows)})
        if rows
        else chosen
    )


@dataclass
class Bench:
    """What the parts share."""

    stack: Stack
    sizes: Sizes
    report: Report = field(default_factory=Report)
    runs: dict[str, Run] = field(default_factory=dict)
    ratios: dict[str, float] = field(default_factory=dict)  # that are compared with those of the last release
    tenant: Tenant | None = None

    @property
    def home(self) -> Path:
        return self.stack.home

    def file(self, name: str, rows: int, **how: Any) -> Path:
        path = self.home / name
        return path if path.exists() else imports.make_file(self.home, name, rows, **how)

    def large(self) -> Path:
        return self.file("people.csv", self.sizes.rows)

    def workspace(self) -> Tenant:
        """The large workspace; with people in it once the imports have been measured."""
        self.tenant = self.tenant or imports.workspace("bench-large")
        return self.tenant


def measure(stack: Stack, wanted: Sizes, *, only: str, release: str = "") -> str:
    """Run the parts in order; returns the page. `release`: keep the ratios as those of it."""
    bench = Bench(stack, wanted)
    chosen = only.split(",") if only else list(PARTS)
    for name in chosen:
        PARTS[name](bench)
    tell_progress(bench)
    if release:
        releases.keep(release, bench.ratios)
    return bench.report.page(words.HEAD)


def tell_progress(bench: Bench) -> None:
    """The ratios of this run beside those of the last release, at the end."""
    name, before = releases.last()
    if not bench.ratios:
        return
    bench.report.section("Today against the last release", words.RELEASES.format(release=name or "none"))
    bench.report.table(["Ratio", "Last release", "Today", "Today is"], releases.compare(before, bench.ratios))


def measure_imports(bench: Bench) -> None:
    """Imports and COPY, in turns."""
    size, tenant = bench.sizes, bench.workspace()
    first, half = bench.large(), bench.file("half.csv", size.rows, first=size.rows // 2, salt=1)
    bench.runs["small"] = imports.run(
        bench.stack, imports.workspace("bench-small"), bench.file("small.csv", size.small)
    )
    bench.runs["empty"] = imports.run(bench.stack, tenant, first)
    dump = bench.home / "contacts.copy"
    columns = imports.export(bench.stack, tenant, dump)
    copies = [imports.copy(bench.stack, dump, columns)]
    bench.runs["again"] = imports.run(bench.stack, tenant, first)
    bench.runs["half"] = imports.run(bench.stack, tenant, half)
    copies.append(imports.copy(bench.stack, dump, columns))
    dump.unlink()
    tell_imports(bench, copied=copies[0][0], took=sum(s for _n, s in copies) / len(copies))


def tell_imports(bench: Bench, *, copied: int, took: float) -> None:
    report = bench.report
    report.section("Imports beside COPY", words.IMPORTS)
    rows = [
        [f"COPY of the {count(copied)} clean contacts", count(copied), seconds(took), "1.00×", count(copied / took), ""]
    ]
    for key, what in RUNS.items():
        run = bench.runs[key]
        ratio = times(run.seconds / took) if key != "small" else ""
        rows.append([what, count(run.rows), seconds(run.seconds), ratio, count(run.speed), mib(run.memory)])
    report.table(["What", "Rows", "Time", "beside COPY", "Rows/s", "Worker's peak memory"], rows)
    bench.ratios |= {what: bench.runs[key].seconds / took for key, what in COMPARED.items()}
    report.table(["Outcome", *RUNS.values()], outcomes(bench))
    report.table(["Seconds of work, all workers", *RUNS.values()], phases(bench))


RUNS = {
    "empty": "Into an empty workspace",
    "half": "Into a full one, half matching",
    "again": "The same file again",
    "small": "A smaller file, for its memory",
}


COMPARED = {
    "empty": "Import into an empty workspace ÷ COPY",
    "half": "Import, half matching ÷ COPY",
    "again": "The same file again ÷ COPY",
}


def outcomes(bench: Bench) -> list[list[str]]:
    names = ("rows", "created", "updated", "unchanged", "duplicates", "skipped", "in_error")
    return [[name.replace("_", " "), *(count(bench.runs[key].result[name]) for key in RUNS)] for name in names]


def phases(bench: Bench) -> list[list[str]]:
    kinds = ("plan", "parse", "repeat", "match", "resolve", "diff", "visitors", "collect", "apply", "finish")
    return [[kind, *(f"{bench.runs[key].phases.get(kind, 0.0):.1f}" for key in RUNS)] for kind in kinds]


def measure_turns(bench: Bench) -> None:
    """The last large import is undone and brought back; then a small one runs beside a large one."""
    if "half" not in bench.runs:
        measure_imports(bench)
    made, tenant = bench.runs["half"], bench.workspace()
    undone = turns.undo(tenant, made.result["id"])
    back = turns.undo(tenant, made.result["id"], back=True)
    small = bench.file("hundred.csv", turns.SMALL)
    bench.ratios |= {
        "Undo ÷ import": undone["seconds"] / made.seconds, "Redo ÷ import": back["seconds"] / made.seconds,
    }  # fmt: skip
    waited = turns.beside(
        bench.stack, imports.workspace("bench-busy"), bench.large(), imports.workspace("bench-other"), small
    )
    bench.report.section("Undoing, and sharing the workers", words.TURNS)
    rows = [
        ["The import with half matching", count(made.rows), seconds(made.seconds), "1.00×"],
        ["Its undo", count(undone["reversed"]), seconds(undone["seconds"]), times(undone["seconds"] / made.seconds)],
        ["Its redo", count(back["reversed"]), seconds(back["seconds"]), times(back["seconds"] / made.seconds)],
    ]  # fmt: skip
    rows += [
        [f"A small one while {count(bench.sizes.rows)} rows are {what}", count(turns.SMALL), seconds(took), ""]
        for key, what in (("parse", "read"), ("apply", "written"))
        if (took := waited[key]) is not None
    ]  # fmt: skip
    bench.report.table(["What", "Rows", "Time", "beside the import"], rows)


def measure_validation(bench: Bench) -> None:
    size = bench.sizes
    path = bench.large()
    own, plain = validation.ours(path, size.judged), validation.plain(path, size.judged_plainly)
    bench.ratios["Two libraries ÷ our cleaner, a row"] = plain / own
    bench.report.section("Cleaning a row", words.VALIDATION)
    bench.report.table(
        ["What", "µs a row", "beside ours"],
        [
            ["Our cleaner: all twelve columns", f"{own * 1e6:.1f}", "1.00×"],
            ["email-validator and phonenumbers: two columns", f"{plain * 1e6:.1f}", times(plain / own)],
        ],
    )


def measure_peers(bench: Bench) -> None:
    """Each peer in a fresh process; ours on the clean file of the same kind."""
    size, rows = bench.sizes, []
    clean = {"bad": 0.0, "duplicates": 0.0, "malformed": 0.0}
    files = {n: bench.file(f"clean-{n}.csv", n, **clean) for n in {size.bulk, size.task, size.small}}
    ours = imports.workspace("bench-peers")
    new = imports.run(bench.stack, ours, files[size.small])
    known = imports.run(bench.stack, ours, bench.file("changed.csv", size.small, salt=3, **clean))
    changed = {n: bench.file(f"changed-{n}.csv", n, salt=3, **clean) for n in (size.bulk, size.task)}
    rows.append(peer_row("This product, new contacts", new.rows, new.seconds, new.memory, new.speed))
    rows.append(peer_row("This product, all known, all changed", known.rows, known.seconds, known.memory, known.speed))
    for name, what, n in PEERS_SHOWN:
        make_table(bench)
        amount = getattr(size, n)
        for state, path, best in (("new contacts", files, new), ("all known, all changed", changed, known)):
            got = peer(bench, name, path[amount])
            rows.append(peer_row(f"{what}, {state}", got["rows"], got["seconds"], got["memory"], best.speed))
            whom = f"{what[0].lower()}{what[1:]}, {state.partition(',')[0]}"
            bench.ratios[f"Times {whom}"] = best.speed / (got["rows"] / got["seconds"])
    bench.report.section("Beside others", words.PEERS)
    bench.report.table(["What", "Rows", "Rows/s", "This product is", "Peak memory"], rows)


PEERS_SHOWN = (
    ("import_export", "django-import-export", "bulk"),
    ("celery_task", "The usual task", "task"),
)


def peer_row(what: str, rows: int, took: float, memory: float, best: float) -> list[str]:
    speed = rows / took
    return [what, count(rows), count(speed), f"{times(best / speed)} as fast" if best != speed else "", mib(memory)]


def make_table(bench: Bench) -> None:
    with psycopg.connect(bench.stack.info["owner_database_url"], autocommit=True) as connection:
        connection.execute(peers.TABLE)


def peer(bench: Bench, name: str, path: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.peers", name, str(path)]
    env = os.environ | {"DATABASE_URL": bench.stack.info["owner_database_url"]}
    with (
        subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True) as process,
        peak(lambda: [psutil.Process(process.pid)]) as memory,
    ):
        said, _nothing = process.communicate(timeout=900)
    if process.returncode:
        raise SystemExit(f"{name} failed")
    return {**json.loads(said.splitlines()[-1]), "memory": memory.most}


def measure_pixel(bench: Bench) -> None:
    got = pixel.measure(bench.stack, bench.workspace(), bench.sizes.pixel_seconds)
    bench.report.section("The pixel", words.PIXEL)
    rows = []
    for what, load in (("with the consumer at work", got["together"]), ("with the consumer held", got["alone"])):
        rows.append([f"Accepted, {what}", count(load.speed), ms(load.median), ms(load.p95), count(load.refused)])
    rows.append(["Stored by the consumer alone", count(got["drain"]), "", "", ""])
    bench.report.table(["What", "Hits/s", "Median", "95 %", "Refused"], rows)
    stored = f"All {count(got['kept'])} acknowledged hits were found in the events."
    bench.report.note(f"{stored} The consumer's peak memory was {mib(got['memory'])}.")


def measure_acts(bench: Bench) -> None:
    """Many contacts at once, in the large workspace; leaves doubles and deleted ones for the pages."""
    tenant = bench.workspace()
    if "empty" not in bench.runs:
        bench.runs["empty"] = imports.run(bench.stack, tenant, bench.large())
    measured = acts.measure(bench.stack, tenant, bench.home, bench.sizes.doubles)
    bench.report.section("Bulk actions", words.ACTS)
    rows = [
        [a.what, count(a.contacts), seconds(a.seconds), count(a.contacts / a.seconds), mib(a.memory)] for a in measured
    ]
    bench.report.table(["What", "Contacts", "Time", "Contacts/s", "Worker's peak memory"], rows)


def measure_probable(bench: Bench) -> None:
    """Probable duplicates: how good, beside other ways, and how fast in a workspace."""
    outcomes = probable.measure(bench.sizes.compared)
    bench.report.section("Probable duplicates", words.PROBABLE)
    rows = [
        [o.data, o.way, f"{o.precision:.4f}", f"{o.recall:.4f}", f"{o.f1:.4f}", count(o.found), seconds(o.seconds)]
        for o in outcomes
    ]
    bench.report.table(["Data", "Way", "Precision", "Recall", "F1", "Pairs", "Time"], rows)
    tenant = imports.workspace("bench-probable")
    probable.fill(tenant, bench.sizes.searched)
    imports.settle(bench.stack)
    got = probable.search(bench.stack, tenant)
    bench.report.table(
        ["Search of a workspace", "Contacts", "Pairs compared", "Groups", "Time", "Worker's peak memory", "One contact"],
        [["First search", count(got.contacts), count(got.compared), count(got.groups), seconds(got.seconds),
          mib(got.memory), ms(got.single)]],
    )  # fmt: skip


def measure_pages(bench: Bench) -> None:
    tenant = bench.workspace()
    if "empty" not in bench.runs:
        bench.runs["empty"] = imports.run(bench.stack, tenant, bench.large())
    owner_url = bench.stack.info["owner_database_url"]
    times = pages.measure(owner_url, tenant, bench.sizes.requests, count=bench.sizes.activity)
    with tenant_context(tenant.pk):
        people = Contact.objects.count()
    bench.report.section("Pages", f"{words.PAGES} The workspace holds {count(people)} contacts.")
    bench.report.table(["Page", "Median", "95 %"], [[what, ms(half), ms(most)] for what, half, most in times])


def measure_sources(bench: Bench) -> None:
    """The pages that read visitors, in a workspace of their own."""
    tenant, people = imports.workspace("bench-visitors"), bench.sizes.visited
    visitors.fill(bench.stack.info["owner_database_url"], tenant, people)
    waits = visitors.measure(tenant, max(3, bench.sizes.requests // 4))
    bench.report.section("Visitors and resolved contacts", words.SOURCES.format(people=count(people)))
    rows = [[what, ms(half), ms(most)] for what, half, most in visitors.summary(waits)]
    bench.report.table(["Page", "Median", "95 %"], rows)


def measure_rules(bench: Bench) -> None:
    """Rules and the builder, in a workspace of their own."""
    tenant, times = imports.workspace("bench-rules"), max(3, bench.sizes.requests // 4)
    events, _took = rules.fill(bench.stack.info["owner_database_url"], tenant, bench.sizes.ruled)
    waits = rules.measure(tenant, times)
    steps = rules.steps(tenant, times * 2)
    bench.report.section("Rules", words.RULES.format(contacts=count(bench.sizes.ruled), events=count(events)))
    shown = [wait for wait in waits if " and " not in wait[0]]
    slowest = sorted((wait for wait in waits if " and " in wait[0]), key=lambda wait: -wait[3])[:8]
    rows = [[what, count(found), ms(half), ms(most)] for what, found, half, most in [*shown, *slowest]]
    bench.report.table(["Rule", "Contacts", "Median", "95 %"], rows)
    bench.report.table(["Builder", "Median", "95 %"], [[what, ms(half), ms(most)] for what, half, most in steps])


def measure_freshness(bench: Bench) -> None:
    """Dynamic segments in the workspace of the rules, and what they cost."""
    tenant = Tenant.objects.filter(slug="bench-rules").first()
    if tenant is None:
        tenant = imports.workspace("bench-rules")
        rules.fill(bench.stack.info["owner_database_url"], tenant, bench.sizes.ruled)
    segments = freshness.SEGMENTS if bench.sizes.ruled > QUICK.ruled else 10
    got = freshness.measure(tenant, segments=segments)
    with tenant_context(tenant.pk):
        events = Event.objects.count()
    bench.report.section(
        "Fresh segments",
        words.FRESHNESS.format(contacts=count(bench.sizes.ruled), events=count(events), segments=segments),
    )
    rows = [
        [f"First build of a segment with {count(got.members)} members", seconds(got.built)],
        [f"{segments} segments built", seconds(got.all)],
        ["A change shows in all, median", seconds(freshness.middle(got.shown))],
        ["… at most", seconds(max(got.shown))],
        [f"{count(got.batched)} changes at once", seconds(got.batch)],
    ]
    bench.report.table(["What", "Time"], rows)
    tell_losses(bench, segments)


def tell_losses(bench: Bench, segments: int) -> None:
    """Imports and hits with dynamic segments beside those without, twice in turns."""
    path = bench.file("small.csv", bench.sizes.small)
    runs: dict[bool, list[float]] = {False: [], True: []}
    hits: dict[bool, list[float]] = {False: [], True: []}
    turns = 4 if bench.sizes.ruled > QUICK.ruled else 2
    for turn in range(turns):
        watched = turn % 2 == 1
        tenant = imports.workspace(f"bench-fresh-{turn}")
        if watched:
            freshness.make(tenant, segments)
            freshness.wait(tenant)
        runs[watched].append(imports.run(bench.stack, tenant, path).seconds)
        if watched:
            freshness.wait(tenant)
        hits[watched].append(freshness.drain(tenant))
    half, most = ({k: sum(v) / len(v) for k, v in found.items()} for found in (runs, hits))
    bench.report.table(
        ["What", "Without", f"With {segments}", "Ratio"],
        [
            [f"Import of {count(bench.sizes.small)} rows", seconds(half[False]), seconds(half[True]),
             times(half[True] / half[False])],
            ["Hits stored a second", count(most[False]), count(most[True]), times(most[False] / most[True])],
        ],
    )  # fmt: skip


def measure_lookalikes(bench: Bench) -> None:
    """A lookalike in a workspace of its own, made by a worker."""
    got = lookalikes.measure(bench.stack, imports.workspace("bench-alike"), bench.sizes.alike)
    bench.report.section(
        "Lookalikes", words.LOOKALIKES.format(people=count(bench.sizes.alike), members=count(got.members))
    )
    rows = [
        ["All of it", seconds(got.seconds)],
        *([f"… {what}", seconds(took)] for what, took in got.steps.items() if what in lookalikes.STEPS),
        ["Worker's peak memory", mib(got.memory)],
        ["Contacts scored", count(got.judged)],
        [f"Lift at {lookalikes.SIZE} %", times(got.lift)],
        ["Best lift possible", times(got.best)],
    ]
    bench.report.table(["What", "Result"], rows)


def measure_api(bench: Bench) -> None:
    """Contacts and events over HTTP, in a workspace of their own."""
    size = bench.sizes
    got = api.measure(
        bench.stack, imports.workspace("bench-api"), size.batches, singles=size.requests, items=size.batch
    )
    bench.report.section("The API", words.API.format(batch=count(size.batch)))
    rows = [[s.what, count(s.items), seconds(s.seconds), count(s.speed), mib(s.memory)] for s in got.batches]
    bench.report.table(["Requests", "Items", "Time", "Items/s", "Web process's peak memory"], rows)
    half, most = api.middle(got.singles)
    bench.report.table(["One by one", "Median", "95 %"], [["A contact that changes", ms(half), ms(most)]])


def measure_files(bench: Bench) -> None:
    """The same file by the command and by the API, each time into a workspace of its own."""
    path = bench.large()
    took = files.measure(bench.stack, path)
    best = {way: min(found) for way, found in took.items()}
    bench.report.section("A file by the API", words.FILES.format(rows=count(bench.sizes.rows), turns=files.TURNS))
    rows = [
        [f"By the {'API' if way == 'api' else way}", *map(seconds, found), times(best[way] / best["command"])]
        for way, found in took.items()
    ]
    turns = [f"Turn {turn + 1}" for turn in range(files.TURNS)]
    bench.report.table(["Way", *turns, "Best beside the command"], rows)


def measure_upload(bench: Bench) -> None:
    got = upload.measure(bench.stack, bench.workspace(), bench.large(), bench.sizes.upload)
    bench.report.section("A very large upload", words.UPLOAD)
    bench.report.table(
        ["Upload", "Time", "Web process before", "at most"],
        [[upload.megabytes(got["bytes"]), seconds(got["seconds"]), mib(got["before"]), mib(got["most"])]],
    )


def measure_syncs(bench: Bench) -> None:
    rows = []
    for kind in ("meta", "google"):
        first, second = syncs.measure(
            bench.stack.info["owner_database_url"], imports.workspace(f"bench-{kind}"), bench.sizes.synced, kind
        )
        for what, got in ((f"{kind.capitalize()}: first run", first), (f"{kind.capitalize()}: 1 % changed", second)):
            run = got.run
            told = run.added + run.changed + run.removed
            rows.append([
                what, count(run.processed), count(run.read), count(run.added), count(run.changed), count(run.removed),
                count(got.told), seconds(got.seconds), count(told / got.seconds), mib(got.before), mib(got.most),
            ])  # fmt: skip
    bench.report.section("Data syncs", words.SYNCS)
    bench.report.table(
        [
            "Run",
            "In the list",
            "Read",
            "Added",
            "Changed",
            "Removed",
            "Told",
            "Time",
            "People/s",
            "Worker before",
            "at most",
        ],
        rows,
    )


def measure_audiences(bench: Bench) -> None:
    times = max(2, bench.sizes.requests // 8)
    tenant = imports.workspace("bench-audiences")
    got = audiences.measure(bench.stack.info["owner_database_url"], tenant, bench.sizes.audience, times=times)
    half = sorted(got.counts)[len(got.counts) // 2]
    bench.report.section("Audiences", words.AUDIENCES)
    bench.report.table(
        ["Contacts", "Included", "In the audience", "Size, median", "Size, slowest", "Beside the saved one", "First build"],
        [[
            count(bench.sizes.audience), count(got.included), count(got.members), seconds(half), seconds(max(got.counts)),
            seconds(got.beside), seconds(got.built),
        ]],
    )  # fmt: skip


def measure_dashboards(bench: Bench) -> None:
    """The parts of the pages of dashboards, in a workspace of their own, and what keeping their figures costs."""
    tenant, people = imports.workspace("bench-dashboards"), bench.sizes.shown
    took = dashboards.fill(bench.stack.info["owner_database_url"], tenant, people)
    visits, steps = dashboards.rows(tenant)
    waits = dashboards.measure(tenant, max(3, bench.sizes.requests // 4))
    bench.report.section(
        "Dashboards", words.DASHBOARDS.format(people=count(people), visits=count(visits), steps=count(steps))
    )
    rows = [[what, ms(half), ms(most), count(asked)] for what, half, most, asked in waits]
    bench.report.table(["Part", "Median", "95 %", "Statements"], rows)
    queued, counted = dashboards.batch(tenant)
    kept = [
        ["All tallies anew", seconds(took["tallies"])], ["All contacts counted", seconds(took["contacts"])],
        [f"A batch of {count(dashboards.BATCH)} hits queued", ms(queued)], ["… counted later", ms(counted)],
    ]  # fmt: skip
    bench.report.table(["Keeping them", "Time"], kept)


def measure_operations(bench: Bench) -> None:
    """The operations page; after the dashboards, beside their workspace."""
    size = bench.sizes
    operations.fill(size.workspaces, size.running)
    waits = operations.measure(max(3, size.requests // 4))
    bench.report.section(
        "Operations",
        words.OPERATIONS.format(
            workspaces=count(size.workspaces), running=count(size.running), ended=count(size.running * operations.ENDED)
        ),
    )
    rows = [[what, ms(half), ms(most), count(asked)] for what, half, most, asked in waits]
    bench.report.table(["Page", "Median", "95 %", "Statements"], rows)


def measure_fleet(bench: Bench) -> None:
    """Many workspaces at work at once, in workspaces of their own."""
    size = bench.sizes
    wanted = fleet.Fleet(
        size.workspaces,
        size.fleet_seconds,
        large=size.fleet_rows * 2,
        middle=size.fleet_rows // 10,
        rows=size.fleet_rows,
    )
    got = fleet.measure(bench.stack, wanted)
    bench.report.section(
        "Many workspaces at once",
        words.FLEET.format(workspaces=count(size.workspaces), seconds=count(got.seconds), rows=count(size.fleet_rows)),
    )
    waits = [[what, count(n), ms(half), ms(near), ms(most)] for what, n, half, near, most in fleet.summary(got)]
    bench.report.table(["Wait for", "Times", "Median", "95 %", "At most"], waits)
    queues = [
        [queue, *(count(length) for length in got.thirds(queue)), count(max(n for _at, n in lengths)),
         "yes" if got.grows(queue) else "no"]
        for queue, lengths in got.queues.items()
    ]  # fmt: skip
    bench.report.table(["Queue", "First third", "Second", "Last", "At most", "Grows without end"], queues)
    waiting = [[task, f"{messages:.1f}"] for task, messages in got.waiting()]
    bench.report.table(["Messages in the first line, by task", "On average"], waiting or [["none", "0"]])
    memory = [[what, mib(before), mib(most)] for what, (before, most) in got.memory.items()]
    bench.report.table(["Largest process", "At the beginning", "At most"], memory)
    bench.report.note(
        f"{count(got.hits)} hits were accepted, {count(got.hits / got.seconds)} a second; none was refused."
    )


PARTS: dict[str, Callable[[Bench], None]] = {
    "validation": measure_validation,
    "imports": measure_imports,
    "turns": measure_turns,
    "peers": measure_peers,
    "acts": measure_acts,
    "probable": measure_probable,
    "pages": measure_pages,
    "sources": measure_sources,
    "rules": measure_rules,
    "freshness": measure_freshness,
    "lookalikes": measure_lookalikes,
    "pixel": measure_pixel,
    "api": measure_api,
    "files": measure_files,
    "upload": measure_upload,
    "audiences": measure_audiences,
    "syncs": measure_syncs,
    "dashboards": measure_dashboards,
    "operations": measure_operations,
    "fleet": measure_fleet,
}
