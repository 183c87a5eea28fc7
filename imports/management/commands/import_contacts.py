"""Import a file from the command line, on the pipeline and the workers that the pages use."""

import json
import time
from argparse import ArgumentParser
from collections import Counter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError

from imports.files.reader import FileProblem
from imports.models import Import, Phase, RowIssue, Status
from imports.options import BadOption, Options
from imports.problems import catalogue
from imports.results import error_rows
from imports.wizard import column_choices, saved_mappings, upload
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tenants.web import workspace_urls

DIALECT = ("encoding", "separator", "quote", "header", "header_line")
SETTINGS = tuple(name for name in Options.__dataclass_fields__ if name != "segments")
# What is done about the looks of a workbook: name → the value that is the default, the other one.
LOOKS = {"merged": ("first", "fill"), "hidden": ("import", "skip")}
NAMES = (*DIALECT, *SETTINGS, "sheet", *LOOKS, "segment", "description", "unknown", "saved")
POLL_SECONDS = 0.2
CHUNK = 1 << 20


class Command(BaseCommand):
    help = "Import FILE into a workspace, wait until it ends and print the outcomes of its rows as JSON."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--workspace", required=True)
        parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", dest="pairs")
        parser.add_argument("--review", action="store_true", help="stop before anything is written")
        parser.add_argument("--errors", type=Path, help="write the rows in error to this CSV")
        parser.add_argument("--json", action="store_true", help="print JSON only")

    def handle(self, *_args: Any, **options: Any) -> None:
        tenant = Tenant.objects.filter(slug=options["workspace"]).first()
        if tenant is None:
            raise CommandError(f"There is no workspace {options['workspace']}.")
        wanted = _settings(options["pairs"])
        try:
            import_id = self._start(tenant, options["file"], wanted, review=options["review"])
        except FileProblem as problem:
            text = catalogue.sentence(problem.code, **problem.facts)
            self._print({"status": "failed", "reason": problem.code, "sentence": text, "rows": 0}, options)
            raise SystemExit(1) from None
        except column_choices.Ambiguous as problem:
            raise CommandError(f"{problem} Use --set format.{problem.name}={' or '.join(problem.ways)}.") from problem
        except (BadOption, column_choices.BadMapping, saved_mappings.NoSuchMapping) as problem:
            raise CommandError(str(problem)) from problem
        result = _wait(tenant, import_id, review=options["review"])
        if options["errors"]:
            with tenant_context(tenant.pk), options["errors"].open("w", encoding="utf-8", newline="") as file:
                file.writelines(error_rows.errors_csv(Import.objects.get(pk=import_id)))
        self._print(result, options)
        if result["status"] not in (Status.IMPORTED, Status.READY):
            raise SystemExit(1)

    def _start(self, tenant: Tenant, path: Path, wanted: dict[str, Any], *, review: bool) -> int:
        if not path.is_file():
            raise CommandError(f"There is no file {path}.")
        with tenant_context(tenant.pk):
            with path.open("rb") as file:
                chunks = iter(lambda: file.read(CHUNK), b"")
                imp = upload.store_upload(chunks, file_name=path.name, tenant=tenant, user=None, origin="command")
            try:
                _configure(imp, tenant, wanted, review=review)
            except (FileProblem, BadOption, column_choices.BadMapping, saved_mappings.NoSuchMapping):
                upload.discard(imp)  # the rollback takes the import away, but not its file
                raise
            return int(imp.pk)

    def _print(self, result: dict[str, Any], options: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(result, ensure_ascii=False))
        if not options["json"]:
            self.stderr.write(f"{result['status']}: {result['rows']:,} rows")


def _configure(imp: Import, tenant: Tenant, wanted: dict[str, Any], *, review: bool) -> None:
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
    chosen = column_choices.apply_choices(
        imp, maps, written=written, create_unknown=wanted.get("unknown") == "create", options=options
    )
    imp.description = str(wanted.get("description", ""))[:300]
    imp.save(update_fields=["description"])
    upload.start(imp, options=options, columns=chosen, auto_start=not review)


def _look(wanted: dict[str, Any], name: str) -> bool:
    """Whether something is done about the looks of a workbook. Raises BadOption."""
    value = wanted.get(name, LOOKS[name][0])
    if value not in LOOKS[name]:
        raise BadOption(f"{name}={value} is not allowed. Choose one of: {', '.join(LOOKS[name])}.")
    return LOOKS[name].index(value) == 1


def _settings(pairs: list[str]) -> dict[str, Any]:
    """Names and values; `segment` may be given several times and is a list."""
    wanted: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not (name in NAMES or name.startswith(("map.", "format."))):
            raise CommandError(f"--set {pair}: the name must be one of {', '.join(NAMES)}, map.HEADER, format.HEADER.")
        if name == "segment":
            wanted.setdefault(name, []).append(value)
        else:
            wanted[name] = value
    return wanted


def _wait(tenant: Tenant, import_id: int, *, review: bool) -> dict[str, Any]:
    while True:
        try:
            with tenant_context(tenant.pk):
                imp = Import.objects.get(pk=import_id)
                if imp.ended or (review and imp.phase == Phase.REVIEW):
                    return _result(tenant, imp)
        except OperationalError:
            # The database restarts; the import goes on by itself, so we go on waiting for it.
            time.sleep(1)
        time.sleep(POLL_SECONDS)


def _result(tenant: Tenant, imp: Import) -> dict[str, Any]:
    issues = Counter(RowIssue.objects.filter(import_id=imp.pk).values_list("code", flat=True).iterator())
    path = workspace_urls.inside(tenant.slug, "imports:detail", imp.pk)
    return {
        "id": imp.pk,
        "url": workspace_urls.absolute(path),
        "status": imp.status,
        "reason": imp.reason,
        **{name: getattr(imp, name) for name in ("rows", *Import.OUTCOMES, "not_reached")},
        "matched_visitors": imp.matched_visitors if imp.ended else imp.review.get("counts", {}).get("visitors", 0),
        "events": imp.events_added,
        "events_known": imp.events_known,
        "issues_by_code": dict(sorted(issues.items())),
        "seconds": imp.seconds,
        **({"sheet": imp.sheet, "sheets": imp.sheets} | imp.looks if imp.container == "xlsx" else {}),
    }
