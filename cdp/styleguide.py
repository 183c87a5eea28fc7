"""Sample data of the style guide: every component in every state. All people and files are made up."""

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from django import forms
from django.utils import timezone

from core import charts
from core.templatetags.ui import STATUSES

COUNTS = {"created": 31904, "updated": 12342, "unchanged": 2871, "duplicates": 318, "skipped": 562, "in_error": 215}
RUNNING = {"rows": 1_250_000, "created": 217431, "updated": 476902, "unchanged": 71204, "skipped": 1249}

TABS = [
    {"label": "All", "url": "#tables", "count": 142, "current": True},
    {"label": "Running", "url": "#tables", "count": 1},
    {"label": "Ready for review", "url": "#tables", "count": 1},
    {"label": "Imported", "url": "#tables", "count": 121},
    {"label": "With rows in error", "url": "#tables", "count": 17, "bad": True},
    {"label": "Failed", "url": "#tables", "count": 9},
    {"label": "Canceled", "url": "#tables", "count": 6},
    {"label": "Undone", "url": "#tables", "count": 4},
]
STEPS = [
    {"label": "Upload", "url": "#wizard", "state": "done"},
    {"label": "Map", "url": None, "state": "current"},
    {"label": "Review", "url": None, "state": "todo"},
    {"label": "Run", "url": None, "state": "todo"},
    {"label": "Result", "url": None, "state": "todo"},
]
STATS = [
    {"label": "Workers", "figure": "3", "note": "of 4 expected", "tone": "warn"},
    {"label": "Imports running", "figure": "2", "note": "and 1 in line", "tone": "ok", "url": "#cards"},
    {"label": "Visitors", "figure": "121,440", "note": "from 99,410", "change": "+22 %"},
    {"label": "Known", "figure": "38.2 %", "note": "from 39.6 %", "change": "−1.4", "change_tone": "bad"},
]
EFFECTS = [
    {"icon": "trash-2", "text": "leave the list and 14 segments", "figure": "2,114"},
    {"icon": "target", "text": "leave audiences at the next sync, Google Ads and Meta", "figure": "1,870"},
    {"icon": "lock", "text": "stay, because they ordered in the last 30 days", "figure": "2"},
    {"icon": "undo-2", "text": "can be restored from Deleted", "figure": "until 22 Dec"},
]
TILLS = {"created": 1650, "updated": 9330, "unchanged": 174_944}
# File, description, status, counts, by whom, hours ago.
IMPORTS: list[tuple[str, str, str, dict[str, int], str, int]] = [
    ("newsletter-signups-w46.csv", "Sign-ups from the shop’s footer", "ready_for_review", {}, "Tomas Žukas", 0),
    ("autumn-fair-riga-2026.csv", "Leads from the fair, booth B12", "imported", COUNTS, "Ieva Kalniņa", 1),
    ("pos-customers-2026-11-21.csv.gz", "Nightly file from the tills", "imported", TILLS, "SFTP · tills", 12),
    ("loyalty-tiers-q4.xlsx", "Tiers after the October recount", "undone", {"updated": 9502}, "Ieva Kalniņa", 26),
    ("event-guests-oslo.csv", "Guest list with phone numbers", "failed", {}, "Marte Lien", 30),
    ("web-orders-backfill-03.csv", "Orders of March", "canceled", {"rows": 60000, "updated": 26000}, "API", 99),
]

PAPER = ["canvas", "surface", "raised", "sunken", "hover", "line", "line-strong", "line-control"]
INK = ["ink", "ink-2", "ink-3", "on-ink", "focus", "same-solid", "skip-solid", "mark"]
MEANINGS = {
    "ok": "created, done, active",
    "edit": "updated, running, changed, selected",
    "warn": "needs you, warning",
    "bad": "in error, failed, stuck",
    "who": "visitor and contact matched",
}
SECTIONS = [
    ("colour", "Colour and type"),
    ("buttons", "Buttons and menus"),
    ("fields", "Fields"),
    ("status", "Status and rows by outcome"),
    ("words", "Notes and empty pages"),
    ("tables", "Tables, tabs and filters"),
    ("cards", "Cards, figures and charts"),
    ("wizard", "Wizard: upload and mapping"),
    ("running", "Running"),
    ("sheet", "The error sheet"),
    ("profile", "Profile"),
    ("rules", "Segment rules"),
    ("floating", "What floats"),
]


class SampleForm(forms.Form):
    """Every kind of field; bound to wrong values it shows every error."""

    name = forms.CharField(help_text="As it should appear in a letter.")
    email = forms.EmailField(label="E-mail", error_messages={"invalid": "The part after @ has no dot. Meant inbox.lv?"})
    country = forms.ChoiceField(choices=[("lv", "Latvia (+371)"), ("no", "Norway (+47)")], required=False)
    note = forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), required=False)
    policy = forms.ChoiceField(
        label="Create or update contacts",
        choices=[("both", "Create and update"), ("new", "Create new only"), ("old", "Update existing only")],
        widget=forms.RadioSelect,
        initial="both",
        error_messages={"required": "Choose what happens to existing contacts."},
    )
    consent = forms.BooleanField(label="This person agreed to get messages", required=False)


def context() -> dict[str, Any]:
    """All that templates/styleguide.html and its sections need."""
    now = timezone.now()
    return {
        **_shell(),
        **_colours(),
        **_forms(),
        **_counts(),
        "steps": STEPS,
        "tabs": TABS,
        "stats": STATS,
        "effects": EFFECTS,
        "imports": _imports(now),
        "times": [now, now - timedelta(days=1, hours=2), now - timedelta(days=9), now - timedelta(days=400)],
        "chart": _chart(),
        "quality": _quality(),
        "pace": [2, 14, 24, 28, 30, 31, 29, 31, 32, 31, 30, 31.5, 31, 33, 32, 31, 30.5, 31],
        "spikes": [0, 1, 0, 2, 1, 0, 4, 7, 2, 1, 1, 0],
    }


def _colours() -> dict[str, Any]:
    statuses = [name for name, status in STATUSES.items() if status.word]
    return {"sections": SECTIONS, "paper": PAPER, "ink": INK, "meanings": MEANINGS, "statuses": statuses}


def _forms() -> dict[str, Any]:
    wrong = SampleForm({"name": "Ilze", "email": "ilze.krumina@inbox", "country": "lv"})
    return {"form": SampleForm(), "bad_form": wrong}


def _counts() -> dict[str, Any]:
    return {
        "counts": COUNTS,
        "counts_urls": dict.fromkeys(COUNTS, "#sheet"),
        "running": RUNNING,
        "stopped": {"rows": 60000, "created": 4100, "updated": 21900},
        "many": {"created": 1, "updated": 9501, "unchanged": 3, "in_error": 1},
    }


def _shell() -> dict[str, Any]:
    """What the context processor gives to the pages of a workspace."""
    return {
        "workspace": SimpleNamespace(name="Nordvik Outdoor", slug="nordvik-outdoor", colour="#0f5f63"),
        "workspaces": [
            {"name": "Fjell Festival", "slug": "fjell", "url": "#main", "current": False},
            {"name": "Nordvik Outdoor", "slug": "nordvik-outdoor", "url": "#main", "current": True},
        ],
        "user": SimpleNamespace(
            is_authenticated=True, display_name="Ieva Kalniņa", email="ieva@nordvik.example", initials="IK"
        ),
        "membership": SimpleNamespace(role="marketer", role_label="Marketer"),
        "nav": _nav(),
        "workers_alive": 2,
        "unread_notices": 2,
        "search_url": "#main",
        "notices_url": "#main",
    }


def _nav() -> list[dict[str, Any]]:
    def item(label: str, icon: str, **more: Any) -> dict[str, Any]:
        return {"label": label, "icon": icon, "url": "#main", "current": False, "count": "", "busy": False, **more}

    first = [
        item("Imports", "download", current=True, busy=True),
        item("Contacts", "users"),
        item("Duplicates", "copy", count="508"),
        item("Segments", "blend"),
    ]
    last = [item("Sites and pixel", "globe"), item("Operations", "server"), item("Settings", "sliders-horizontal")]
    return [{"label": "", "items": first}, {"label": "Run", "items": last}]


def _imports(now: datetime) -> list[dict[str, Any]]:
    return [
        {"name": name, "about": about, "status": status, "counts": counts, "by": by, "at": now - timedelta(hours=hours)}
        for name, about, status, counts, by, hours in IMPORTS
    ]


def _chart() -> charts.Chart:
    now = [3120, 2980, 3330, 3610, 3900, 4420, 4310, 3720, 3640, 3910, 4190, 4250, 5010, 4890, 5480, 5310, 5940, 5780]
    was = [2810, 2700, 2890, 3010, 3240, 3810, 3690, 3110, 3050, 3200, 3310, 3420, 4010, 3900, 4290, 4170, 4460, 4380]
    labels = [f"{day} Nov" for day in range(5, 23)]
    words = "Visitors a day from 5 to 22 November: between 2,980 and 5,940, at last 5,780."
    mark = charts.Tick(14, "14 Nov, fair in Riga: 5,480")
    return charts.line(
        labels, now, name="5 – 22 Nov", sentence=words, before=was, before_name="18 days before", mark=mark
    )


def _quality() -> charts.Chart:
    shares = [0.3, 0.8, 0.2, 3.1, 0.5, 0.4, 1.2, 0.2, 4.6, 0.6, 0.3, 0.7]
    tones = ["bad" if share > 2 else "same" for share in shares]
    labels = [f"Import {n}" for n in range(131, 143)]
    words = "Rows in error of the last 12 imports: two had more than 2 %."
    return charts.bars(labels, shares, name="% in error", sentence=words, tones=tones)
