"""From people to a model and its proof: who is hidden, which columns there are, what it finds, or why there is none."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from audiences.lookalikes import counts, evaluation, explanation, features
from audiences.lookalikes import fields as usable_fields
from audiences.lookalikes import model as models
from audiences.lookalikes.counts import Counted
from audiences.lookalikes.features import Column
from audiences.lookalikes.fields import Field
from audiences.lookalikes.model import Flags, Floats, Model
from audiences.lookalikes.sample import Sample, draw_sample
from audiences.models import Lookalike

LEAST_SEEDS, LEAST_OTHERS = 100, 100
# Of the members so many are hidden at least: of a hundred every second, of five hundred every fifth.
HIDDEN_SHARE, LEAST_HIDDEN, CALIBRATION_SHARE = 0.2, 100, 0.2
# People whom columns are chosen by, and whom one statement counts.
FIRST_LOOK, BATCH = 10_000, 20_000
MOST_PAGES, MOST_NAMES = 24, 12


class Refused(Exception):
    """There is too little to learn from, or too little to show for it: a sentence. `report`: what is known all the same."""

    def __init__(self, why: str, report: dict[str, Any]) -> None:
        super().__init__(why)
        self.why, self.report = why, report


@dataclass(frozen=True)
class Trained:
    """A model as it is stored, and the report of its proof."""

    model: dict[str, Any]
    report: dict[str, Any]


@dataclass(frozen=True)
class Look:
    """What is asked of people: the columns, and the fields, pages and names of events that they are made of. `left_out`:
    what defines the list; `stand_ins`: what goes together with forbidden fields."""

    columns: list[Column]
    fields: list[str]
    pages: list[str]
    names: list[str]
    historic: bool
    left_out: list[str]
    stand_ins: list[dict[str, Any]]

    def count(self, ids: Sequence[int], moments: Sequence[datetime]) -> Counted:
        return counts.count(
            ids, moments, fields=self.fields, pages=self.pages, names=self.names, historic=self.historic
        )

    def plain(self) -> dict[str, Any]:
        """What scoring needs of it, as it is stored with the model."""
        columns = [column.plain() for column in self.columns]
        return {"columns": columns, "fields": self.fields, "pages": self.pages, "names": self.names}

    @classmethod
    def of(cls, stored: dict[str, Any]) -> "Look":
        columns = [Column(**one) for one in stored["columns"]]
        return cls(columns, stored["fields"], stored["pages"], stored["names"], False, [], [])


def train(lookalike: Lookalike, *, members: int, others: int, now: datetime) -> Trained:
    """Learn, and prove on people who were hidden. The same rows and the same random seed give the same model. Raises
    Refused."""
    report: dict[str, Any] = {"members": members, "others": others}
    sample = draw_sample(lookalike, members=members, others=others, now=now)
    usable = int(sample.members.sum())
    report |= {"usable": usable}
    if usable < LEAST_SEEDS:
        raise Refused(_too_few(usable, lookalike), report)
    every = usable_fields.everything()
    report["forbidden"] = [one.label for one in every if not one.allowed]
    hidden, calibration = split(sample, seed=lookalike.random_seed)
    look = _first_look(sample, hidden, every, lookalike, now)
    report |= {"left_out": look.left_out, "stand_ins": look.stand_ins}
    if not look.columns:
        raise Refused(NOTHING, report)
    raw = _matrix(sample, look, now=now)
    learnt = ~hidden
    try:
        model = models.train(
            raw[learnt], sample.members[learnt], calibration=calibration[learnt], weight=sample.weight[learnt]
        )
    except models.NoSignal:
        raise Refused(NOTHING, report) from None
    report |= proof(model, raw[hidden], sample, hidden, seed=lookalike.random_seed)
    known = models.standard(raw[learnt], model.mean, model.scale)
    report |= {
        "learnt_from": int(learnt.sum()),
        "mattered": explanation.mattered(known, raw[learnt], model.weights, sample.members[learnt], look.columns),
    }
    chosen = next(one for one in report["lifts"] if one["percent"] == lookalike.size)
    if not chosen["passes"]:
        raise Refused(_no_better(chosen), report)
    return Trained({**model.plain(), **look.plain()}, report)


def split(sample: Sample, *, seed: int) -> tuple[Flags, Flags]:
    """(hidden from the model, only for calibration), by person."""
    share = hidden_share(int(sample.members.sum()))
    drawn = models.draw(sample.ids, seed + 2)
    return drawn < share, (drawn >= share) & (drawn < share + (1 - share) * CALIBRATION_SHARE)


def hidden_share(members: int) -> float:
    """The share of people who are hidden: more where there are few, so that the proof is not left to chance."""
    return max(HIDDEN_SHARE, min(0.5, LEAST_HIDDEN / max(members, 1)))


def proof(model: Model, raw: Floats, sample: Sample, hidden: Flags, *, seed: int) -> dict[str, Any]:
    """What the model finds of the hidden members among the hidden others: lifts by size, and the curve."""
    score, members = model.score(raw), sample.members[hidden]
    tie = models.draw(sample.ids[hidden], seed + 3)
    # The others stand for all others; the hidden members are put among them as they are.
    weight = np.where(members, 1.0, sample.weight[hidden] * _spread(sample, hidden))
    found = evaluation.lifts(score, members, weight=weight, tie=tie, sizes=Lookalike.SIZES)
    return {
        "hidden": int(members.sum()),
        "lifts": evaluation.plain(found),
        "curve": evaluation.curve(score, members, weight=weight, tie=tie),
    }


def _spread(sample: Sample, hidden: Flags) -> float:
    others = int((~sample.members).sum())
    return others / max(int((hidden & ~sample.members).sum()), 1)


def _first_look(sample: Sample, hidden: Flags, every: Sequence[Field], lookalike: Lookalike, now: datetime) -> Look:
    """Choose the columns, by people who are not hidden."""
    historic, today = lookalike.seed_moment != "now", now.date()
    drawn = np.argsort(models.draw(sample.ids, lookalike.random_seed + 4), kind="stable")
    some = [int(place) for place in drawn if not hidden[place]][:FIRST_LOOK]
    ids, moments = [int(sample.ids[place]) for place in some], [sample.moments[place] for place in some]
    pages, names = counts.frequent(ids, moments, least=features.LEAST)
    pages, names = pages[:MOST_PAGES], names[:MOST_NAMES]
    asked = [one.key for one in every if one.key != usable_fields.DOMAIN]
    found = counts.count(ids, moments, fields=asked, pages=pages, names=names, historic=historic)
    allowed = [one for one in every if one.allowed]
    without_orders = lookalike.seed_moment == "first_order"
    columns = features.propose(found, allowed, pages=pages, names=names, without_orders=without_orders, today=today)
    matrix = features.encode(found, columns, today=today)
    defining = features.defining(matrix, np.isin(found.ids, sample.ids[sample.members]), columns)
    out = {what_of(column) for column in defining}
    stay = [place for place, column in enumerate(columns) if what_of(column) not in out]
    columns = [columns[place] for place in stay]
    traits = {one.label: features.of_field(found, one) for one in every if not one.allowed}
    return Look(
        columns, [one.key for one in allowed if one.key in asked], pages, names, historic,
        sorted({column.words for column in defining}),
        explanation.stand_ins(found, matrix[:, stay], columns, traits, today=today),
    )  # fmt: skip


def what_of(column: Column) -> tuple[str, Any]:
    """What a column is made of: one page or event, else all columns of a count or a field."""
    return column.key, column.value if column.kind == "set" else None


def _matrix(sample: Sample, look: Look, *, now: datetime) -> Floats:
    matrix = np.full((len(sample.ids), len(look.columns)), np.nan, dtype=np.float32)
    for at in range(0, len(sample.ids), BATCH):
        ids = sample.ids[at : at + BATCH].tolist()
        some = look.count(ids, sample.moments[at : at + BATCH])
        places = {pk: at + place for place, pk in enumerate(ids)}
        matrix[[places[int(pk)] for pk in some.ids]] = features.encode(some, look.columns, today=now.date())
    return matrix


NOTHING = "Nothing is known that tells the members of the list apart from other contacts."


def _too_few(usable: int, lookalike: Lookalike) -> str:
    if lookalike.seed_moment == "first_order":
        return f"{usable:,} members of the list have an order. A lookalike needs {LEAST_SEEDS} of them."
    return f"The list has {usable:,} contacts. A lookalike needs at least {LEAST_SEEDS}."


def _no_better(lift: dict[str, Any]) -> str:
    return (
        f"The closest {lift['percent']} % hold {lift['found']:,} of {lift['hidden']:,} hidden members, chance would find "
        f"{lift['expected']:,.0f}. That can be luck, so no contact was chosen."
    )
