"""Figures, the six outcomes, charts, and the templates that show them."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django import forms
from django.template import Context, Template
from django.template.loader import render_to_string
from hypothesis import given
from hypothesis import strategies as st

from cdp import styleguide
from core import charts, formatting, outcome_bar
from core.templatetags import ui

COUNTS = {"created": 31904, "updated": 12342, "unchanged": 2871, "duplicates": 318, "skipped": 562, "in_error": 215}
NOW = datetime(2026, 11, 22, 14, 30, tzinfo=UTC)
TEMPLATES = Path(__file__).parents[2] / "templates"


@pytest.mark.parametrize(
    ("value", "words"),
    [(0, "0"), (1234567, "1,234,567"), (-5228, "−5,228"), (None, "–")],
)
def test_number(value: Any, words: Any) -> None:
    assert formatting.number(value) == words


def test_number_of_what_a_template_does_not_know() -> None:
    assert ui.number("") == "–"


@pytest.mark.parametrize(("value", "words"), [(1124, "+1,124"), (-3, "−3"), (0, "0"), (None, "–")])
def test_signed(value: Any, words: Any) -> None:
    assert formatting.signed(value) == words


@pytest.mark.parametrize(
    ("part", "total", "words"),
    [
        (31904, 48212, "66.2 %"),
        (0, 48212, "0 %"),
        (1, 48212, "under 0.1 %"),
        (48211, 48212, "over 99.9 %"),
        (5, 5, "100 %"),
        (1, 0, "–"),
        (None, 5, "–"),
    ],
)
def test_percent_never_hides_a_row(part: Any, total: Any, words: Any) -> None:
    assert formatting.percent(part, total) == words


def test_progress_says_100_only_at_the_end() -> None:
    assert formatting.whole_percent(1_249_999, 1_250_000) == 99
    assert formatting.whole_percent(1_250_000, 1_250_000) == 100
    assert formatting.whole_percent(1, 0) == 0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (0.084, "84 ms"),
        (0.4, "0.4 s"),
        (6.3, "6.3 s"),
        (9.97, "10 s"),
        (45, "45 s"),
        (59.7, "1 min"),
        (250, "4 min 10 s"),
        (660, "11 min"),
        (7500, "2 h 5 min"),
        (timedelta(days=9), "9 days"),
        (None, "–"),
    ],
)
def test_duration(seconds: Any, words: Any) -> None:
    assert formatting.duration(seconds) == words


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (1200, "1 KB"),
        (999_600, "1.0 MB"),
        (128_990_000, "129.0 MB"),
        (500_000_000, "500 MB"),
        (999_960_000, "1.0 GB"),
        (12_500_000_000, "12.5 GB"),
        (None, "–"),
    ],
)
def test_filesize(size: Any, words: Any) -> None:
    assert formatting.filesize(size) == words


@pytest.mark.parametrize(
    ("at", "words"),
    [
        (datetime(2026, 11, 22, 14, 6, tzinfo=UTC), "today 14:06"),
        (datetime(2026, 11, 21, 16, 41, tzinfo=UTC), "yesterday 16:41"),
        (datetime(2026, 11, 23, 9, 0, tzinfo=UTC), "tomorrow 09:00"),
        (datetime(2026, 11, 19, 9, 15, tzinfo=UTC), "19 Nov 09:15"),
        (datetime(2025, 11, 19, 9, 15, tzinfo=UTC), "19 Nov 2025"),
        (date(2026, 11, 9), "9 Nov"),
    ],
)
def test_moment(at: Any, words: Any) -> None:
    assert formatting.moment(at, now=NOW) == words


def test_ago_has_all_of_it_in_the_title() -> None:
    html = ui.ago(datetime(2025, 11, 19, 9, 15, tzinfo=UTC), "capital")
    assert html == (
        '<time datetime="2025-11-19T09:15:00+00:00" title="Wednesday 19 November 2025, 09:15:00 UTC">19 Nov 2025</time>'
    )
    assert ui.ago(None) == "–"


# --- outcomes -----------------------------------------------------------------------------------------------------

some_counts = st.fixed_dictionaries({outcome.key: st.integers(0, 10**7) for outcome in outcome_bar.OUTCOMES})


@given(some_counts, st.integers(0, 10**7))
def test_strip_shows_every_count_and_fits(counts: Any, more: Any) -> None:
    pieces = outcome_bar.segments({**counts, "rows": sum(counts.values()) + more})
    widths = [float(piece.width.rstrip("%")) for piece in pieces]
    assert len(pieces) == sum(1 for count in counts.values() if count)
    assert all(width >= 1 for width in widths)
    assert sum(widths) <= 100.1


def test_strip_reads_an_object_as_well_as_a_mapping() -> None:
    assert outcome_bar.segments(SimpleNamespace(**COUNTS)) == outcome_bar.segments(COUNTS)


def test_strip_is_named_by_a_sentence() -> None:
    assert outcome_bar.sentence(COUNTS) == (
        "31,904 created, 12,342 updated, 2,871 unchanged, 318 duplicate, 562 skipped, 215 in error, of 48,212 rows"
    )
    assert outcome_bar.sentence({"rows": 100, "created": 60}) == "60 created, 40 to go, of 100 rows"
    assert outcome_bar.sentence({}) == "No rows"
    assert 'aria-label="60 created, 40 to go, of 100 rows"' in ui.strip({"total": 100, "created": 60})


def test_sum_adds_up_and_says_so() -> None:
    total = outcome_bar.summed(COUNTS, urls={"in_error": "/e"}, notes={"created": "new contacts"}, plan=True)
    assert sum(part.count for part in total.parts) == total.total == 48212
    assert [part.word for part in total.parts][:2] == ["To create", "To update"]
    assert (total.word, total.note) == ("Rows in file", "all accounted for")
    assert total.parts[0].note == "new contacts"
    assert total.parts[-1].url == "/e"


def test_sum_while_running_counts_what_is_done() -> None:
    total = outcome_bar.summed({"rows": 100, "created": 60}, urls={"in_error": "/e"}, notes={}, plan=False)
    assert (total.total, total.word, total.note) == (60, "Rows done", "of 100")
    assert total.parts[-1].url == "", "nothing to look at"


# --- pieces -------------------------------------------------------------------------------------------------------


def test_icon_is_decorative_until_it_is_named() -> None:
    assert 'aria-hidden="true"' in ui.icon("upload")
    named = ui.icon("upload", label='Up"load', size="small")
    assert 'role="img"' in named
    assert 'class="i small"' in named
    assert "Up&quot;load" in named


def test_pill_has_a_sign_and_a_word() -> None:
    assert 'class="pill ok"' in ui.pill("imported")
    assert "Imported" in ui.pill("imported")
    assert 'class="pulse"' in ui.pill("importing")
    assert "&lt;b&gt;" in ui.pill("warn", "<b>")
    assert "svg" not in ui.pill("edit", "Check", icon="")
    assert "Some new state" in ui.pill("some_new_state")


@pytest.mark.parametrize(("colour", "letter"), [("#0f5f63", "#ffffff"), ("#ffe9a8", "#14181d"), ("red", "#ffffff")])
def test_mark_of_a_workspace_can_be_read(colour: Any, letter: Any) -> None:
    assert f'fill="{letter}"' in ui.mark("Nordvik", colour)


@pytest.mark.parametrize(("value", "top"), [(0, 1), (0.4, 1), (1, 1), (5, 6), (5940, 6000), (6001, 8000), (1e6, 1e6)])
def test_axis_ends_at_a_round_number(value: Any, top: Any) -> None:
    assert charts.ceiling(value) == top


def test_line_chart_has_its_figures_as_a_table() -> None:
    mark = charts.Tick(1, "fair <Riga>")
    chart = charts.line(["1 Nov", "2 Nov"], [3, 1], name="Now", sentence="Words.", before=[2, 2], mark=mark)
    html = render_to_string("ui/chart.html", {"chart": chart})
    assert 'role="img" aria-label="Words."' in html
    assert "Show as a table" in html
    row = '<th scope="row">1 Nov</th> <td class="num">3</td> <td class="num">2</td>'
    assert row in " ".join(html.split())
    assert "fair &lt;Riga&gt;" in html


def test_charts_of_nothing_and_of_one_point() -> None:
    assert charts.line([], [], name="Now", sentence="Nothing yet.").rows == []
    assert charts.bars(["a"], [0], name="n", sentence="One.").rows == [["a", "0"]]
    assert "polyline" not in charts.spark_svg([1])
    assert 'role="img"' in charts.spark_svg([1, 2], label="Up")


# --- templates ----------------------------------------------------------------------------------------------------


class Person(forms.Form):
    email = forms.EmailField(label="E-mail", help_text="For letters.")
    policy = forms.ChoiceField(choices=[("a", "A")], widget=forms.RadioSelect)
    agreed = forms.BooleanField()


def test_field_ties_its_words_to_the_control() -> None:
    html = render_to_string("ui/field.html", {"field": Person({"email": "x"})["email"]})
    assert 'aria-invalid="true"' in html
    assert 'aria-describedby="id_email_helptext id_email_error"' in html
    assert 'id="id_email_helptext"' in html
    assert 'id="id_email_error"' in html


def test_choices_stand_in_a_fieldset_with_a_legend() -> None:
    html = render_to_string("ui/field.html", {"field": Person({})["policy"]})
    assert "<legend>Policy" in html
    assert 'aria-describedby="id_policy_error"' in html


def test_errors_are_linked_from_the_summary() -> None:
    html = render_to_string("ui/form_errors.html", {"form": Person({"email": "x"})})
    assert 'role="alert"' in html
    assert 'href="#id_email"' in html
    assert 'href="#id_policy"' in html
    assert render_to_string("ui/form_errors.html", {"form": Person()}).strip() == ""


def test_style_guide_shows_every_status() -> None:
    html = render_to_string("styleguide.html", styleguide.context())
    for status in ui.STATUSES.values():
        assert status.word in html
    assert html.count("Rows in file") == 2


def test_no_template_has_inline_script_or_style() -> None:
    for path in TEMPLATES.rglob("*.html"):
        text = path.read_text()
        for forbidden in (" style=", "<style", " onclick=", "hx-on", "javascript:", "<script>"):
            assert forbidden not in text, f"{path}: {forbidden}"


TEXT = "Rows stay. Import <a>.csv again."


def drawn(source: str, **context: object) -> str:
    return " ".join(Template(source).render(Context(context)).split())


def test_a_note_around_a_text_is_the_note_with_that_text() -> None:
    text = "Rows stay. Import {{ name }}\n    again."
    around = drawn('{% note "warn" strong="Stopped." %}\n  ' + text + "\n{% endnote %}", name="<a>.csv")
    assert around == drawn('{% include "ui/note.html" with tone="warn" strong="Stopped." text=text %}', text=TEXT)
    assert "Rows stay. Import &lt;a&gt;.csv again." in around


def test_an_empty_state_around_a_text_is_the_empty_state_with_that_text() -> None:
    around = drawn(
        '{% empty_state title="None" url="/x" action="Add" %}Rows stay.\n Import {{ name }} again.{% endempty_state %}',
        name="<a>.csv",
    )
    assert around == drawn('{% include "ui/empty.html" with title="None" url="/x" action="Add" text=text %}', text=TEXT)
