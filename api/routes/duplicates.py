"""Duplicates: contacts that share an address or a number, and those that are probably one person."""

from typing import Annotated, Any, Literal

from django.http import Http404
from ninja import Router
from pydantic import Field

from api import cursors
from api.problems import Problem, answers
from api.routes.contacts import ContactOut, shown
from api.schemas import Cursor, Id, Input, Output, Page, Search, said
from api.scopes import Scope
from contacts.duplicates import exact
from contacts.linkage import review, schedule
from contacts.models import Decision

router = Router(tags=["Duplicates"])
Kind = Literal["email", "phone"]
WORDS = {"open": Decision.OPEN, "not_same": Decision.NOT_SAME, "later": Decision.LATER}
DecisionName = Literal["open", "not_same", "later"]
Decided = Annotated[DecisionName, said("What was decided on them.")]


class GroupOut(Output):
    """Contacts that share a value."""

    value: str = Field(examples=["anna@example.com"])
    contacts: int = Field(examples=[2])


@router.get("/duplicates/{kind}", auth=Scope("contacts.view"), response=Page[GroupOut], summary="List exact duplicates")
@answers(422, "cursor_invalid")
def list_exact(request: Any, kind: Kind, q: Search = "", cursor: Cursor = "") -> dict[str, Any]:
    """E-mail addresses, or phone numbers, that several contacts have, in alphabetical order, 50 a page. Merge them with
    `POST /contacts/merge`."""
    (after,) = cursors.decode(cursor, str) or [""]
    groups = exact.groups(kind, search=q.strip()[:320], after=after[:320])
    rows = groups[: exact.GROUPS]
    following = cursors.encode(rows[-1].value) if len(groups) > len(rows) else None
    return {"results": [{"value": group.value, "contacts": group.contacts} for group in rows], "next": following}


Shared = Annotated[
    str, Field(description="The value that they share, in its normal form.", examples=["anna@example.com"])
]


class MembersOut(Output):
    """The contacts of a group."""

    results: list[ContactOut]
    more: bool = Field(description="Whether there are more than are shown.", examples=[False])


@router.get(
    "/duplicates/{kind}/members", auth=Scope("contacts.view"), response=MembersOut, summary="Read a group of duplicates"
)
def read_exact(request: Any, kind: Kind, value: Shared) -> dict[str, Any]:
    """The living contacts that have an e-mail address or a phone number, in its normal form, at most 100."""
    members = exact.members(kind, value[:320])
    rows = members[: exact.MEMBERS]
    return {"results": [shown(request, contact) for contact in rows], "more": len(members) > len(rows)}


class ProbableOut(Output):
    """Contacts that are probably one person."""

    id: Id
    name: str = Field(description="Of the first of the strongest pair.", examples=["Anna Smith"])
    probability: float = Field(description="Of the strongest pair, 0 to 1.", examples=[0.97])


@router.get(
    "/probable-duplicates", auth=Scope("contacts.view"), response=Page[ProbableOut], summary="List probable duplicates"
)
@answers(422, "cursor_invalid")
def list_probable(request: Any, decision: Decided = "open", cursor: Cursor = "") -> dict[str, Any]:
    """Groups that the last search has found, the most probable first, 50 a page: open ones, or those that were decided."""
    (after,) = cursors.decode(cursor, str) or [""]
    if after and not review.is_key(after):
        raise Problem(422, "cursor_invalid")
    groups = review.page(WORDS[decision], after=after)
    rows = groups[: review.GROUPS]
    following = cursors.encode(rows[-1].key) if len(groups) > len(rows) else None
    return {
        "results": [{"id": group.pk, "name": group.name, "probability": group.probability} for group in rows],
        "next": following,
    }


class PairOut(Output):
    """Two contacts of a group, and why they may be one person."""

    contacts: list[int] = Field(examples=[[17, 18]])
    probability: str = Field(description="In words.", examples=["97 %"])
    reasons: list[str] = Field(examples=[["same e-mail address"]])


class ProbableDetail(Output):
    """A group with its contacts and pairs."""

    id: Id
    contacts: list[ContactOut]
    pairs: list[PairOut]


def _group(request: Any, group_id: int) -> dict[str, Any]:
    members = review.members(group_id)
    if not members:
        raise Http404
    pairs = [
        {"contacts": [c.pk for c in scored.contacts], "probability": scored.percent,
         "reasons": [str(reason.text) for reason in scored.reasons]}
        for scored in review.scored_pairs(group_id, members)
    ]  # fmt: skip
    return {"id": group_id, "contacts": [shown(request, contact) for contact in members], "pairs": pairs}


@router.get(
    "/probable-duplicates/{int:group_id}", auth=Scope("contacts.view"), response=ProbableDetail,
    summary="Read probable duplicates",
)  # fmt: skip
def read_probable(request: Any, group_id: int) -> dict[str, Any]:
    """The contacts of a group, and what speaks for and against each pair."""
    return _group(request, group_id)


class DecisionBody(Input):
    """What the contacts of a group are."""

    decision: DecisionName = Field(
        description="not_same: different people; later: postponed; open: to be decided again. Merge those that are one.",
        examples=["not_same"],
    )


@router.post(
    "/probable-duplicates/{int:group_id}/decision", auth=Scope("contacts.edit"), response=ProbableDetail,
    summary="Decide on probable duplicates",
)  # fmt: skip
def decide_probable(request: Any, group_id: int, body: DecisionBody) -> dict[str, Any]:
    """Say of a group that its contacts are different people, put it off, or open it again. To make them one, merge them."""
    if not schedule.decide(group_id, WORDS[body.decision], user_id=request.user.pk):
        raise Http404
    return _group(request, group_id)
