"""The numbers that docs state are those of the code: each is read out of its sentence and compared with its constant."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings

from cdp import front
from cdp.stack import supervisor
from contacts import leased_job
from contacts.bulk import actions, export
from contacts.duplicates import merge
from contacts.linkage import blocking
from contacts.privacy import retention
from contacts.values import identifiers
from core import broker
from imports.files import csv_records, splitter
from imports.pipeline import parse_unit, transitions, undo, units, worker
from imports.wizard import upload
from tenants import import_rules
from tracking import quarantine
from tracking.email import rating, webhooks
from tracking.pixel import hits, visitor_resolution

DOCS = Path(__file__).resolve().parents[2] / "docs"
DAY = timedelta(days=1)
SWEEP = settings.CELERY_BEAT_SCHEDULE["sweep imports"]["schedule"]

# (page, the sentence with its number in brackets, what the code says)
NUMBERS: list[tuple[str, str, float]] = [
    ("life-of-a-row.md", r"about (\d+) MB of the file each", splitter.UNIT_BYTES / (1 << 20)),
    ("life-of-a-row.md", r"from the first (\d+) KB", upload.SNIFF_BYTES / 1024),
    ("life-of-a-row.md", r"respected for only (\d+) seconds", units.CLAIM_GRACE.total_seconds()),
    ("life-of-a-row.md", r"workers disappear (\d+) times", units.MAX_LOSSES),
    ("life-of-a-row.md", r"parts of at least (\d+) KB", parse_unit.LEAST_BYTES / 1024),
    ("life-of-a-row.md", r"KB and ([\d,]+) rows", transitions.LEAST_ROWS),
    ("life-of-a-row.md", r"After (\d+) seconds it gives way", worker.TIME_SLICE_SECONDS),
    ("life-of-a-row.md", r"the sweep \(every (\d+) s\)", SWEEP),
    ("life-of-a-row.md", r"\((\d+) s soft", settings.CELERY_TASK_SOFT_TIME_LIMIT),
    ("life-of-a-row.md", r"s soft, (\d+) s hard\)", settings.CELERY_TASK_TIME_LIMIT),
    ("life-of-a-hit.md", r"Limits: (\d+) KB", hits.MAX_BYTES / 1024),
    ("life-of-a-hit.md", r"KB, (\d+) properties", hits.MAX_PROPERTIES),
    ("life-of-a-hit.md", r"properties, (\d+) levels", hits.MAX_DEPTH),
    ("life-of-a-hit.md", r"A visit ends after (\d+) minutes", visitor_resolution.VISIT_GAP_SECONDS / 60),
    ("identity.md", r"up to (\d+) characters", identifiers.MAX_EXTERNAL_ID),
    ("identity.md", r"more than (\d+) devices within a day", quarantine.MOST_DEVICES),
    ("identity.md", r"or more than (\d+) other\s+identifiers", quarantine.MOST_OTHERS),
    ("identity.md", r"at most (\d+) people", visitor_resolution.MOST_VISITORS),
    ("identity.md", r"have at most (\d+) identifiers", visitor_resolution.MOST_NAMES),
    ("undo.md", r"for (\d+) days after (?:its|the) (?:end|import)", undo.UNDO_DAYS),
    ("merging.md", r"\*\*Undo\*\*, for (\d+) days", merge.MERGE_UNDO_DAYS),
    ("bulk-actions.md", r"([\d,]+) contacts in memory", export.CHUNK),
    ("bulk-actions.md", r"after (\d+) days", export.KEEP_DAYS),
    ("subscribing.md", r"in a row within (\d+) days", webhooks.SOFT_DAYS),
    ("erasing.md", r"up to ([\d,]+) contacts", actions.STEP),
    ("rating.md", r"the last (\d+) days", rating.RATED_DAYS),
    ("probable-duplicates.md", r"more than (\d+) contacts have", blocking.CAP),
    ("probable-duplicates.md", r"above ([\d,]+) contacts", blocking.CAPPED_FROM),
    ("probable-duplicates.md", r"down to (\d+)", blocking.LEAST_CAP),
    ("limits.md", r"never more than (\d+) GB", import_rules.CAP_MB / 1000),
    ("limits.md", r"\| (\d+) seconds without a byte", front.SILENCE),
    ("limits.md", r"without a byte; (\d+) seconds", front.PATIENCE),
    ("limits.md", r"one second per (\d+) KB", front.SLOWEST / 1024),
    ("limits.md", r"\| (\d+) MB, also outside workspaces", front.LARGEST_OUTSIDE / (1 << 20)),
    ("limits.md", r"\| (\d+) MB; 128 characters", csv_records.MAX_RECORD / (1 << 20)),
    ("operations.md", r"logs over (\d+) MB", supervisor.LOG_LIMIT / 1_000_000),
    ("operations.md", r"been heard for (\d+) seconds", broker.FRESH_SECONDS),
    ("operations.md", r"it continues within (\d+) seconds", SWEEP),
    ("architecture.md", r"a sweep every (\d+) seconds", SWEEP),
    ("architecture.md", r"sweep imports \((\d+) s\)", SWEEP),
    ("architecture.md", r"send mail \((\d+) s\)", settings.CELERY_BEAT_SCHEDULE["send outbox"]["schedule"]),
]


@pytest.mark.parametrize(("page", "sentence", "number"), NUMBERS)
def test_a_number_of_the_docs_is_that_of_the_code(page: str, sentence: str, number: float) -> None:
    stated = re.findall(sentence, " ".join((DOCS / page).read_text().split()))
    assert stated, f"docs/{page} has no sentence like this any more: say here where its number went"
    assert [float(text.replace(",", "")) for text in stated] == [number] * len(stated)


def test_both_kinds_of_workers_give_way_after_the_same_time() -> None:
    assert worker.TIME_SLICE_SECONDS == leased_job.TIME_SLICE_SECONDS


def test_news_of_changes_are_kept_as_long_as_an_undo_is_possible() -> None:
    assert retention.NEWS_DAYS == undo.UNDO_DAYS
