"""What an assistant wants to write: planned, confirmed by a person, run once, undone.

A plan is what would be sent to the API, with what it would do in words, kept for a quarter of an hour for the token that
made it. It runs only with the confirmation that a person's words have bought, and only while it is still true: what it was
made from is read again first. What it takes to undo it is kept for a day.
"""

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from django.core.cache import cache

from api.mcp import masking
from api.mcp.calls import Caller, Refused

PLAN_SECONDS, UNDO_SECONDS = 900, 24 * 3600
WAIT_SECONDS = 30
CHOICES = ("import_file", "change_contact", "delete_contact", "merge_contacts", "change_members")


class BadPlan(ValueError):
    """A plan that cannot be made, confirmed or run. The sentence is for the assistant and its person."""


@dataclass(frozen=True)
class Prepared:
    """A write that has not happened: what a person is told, the words that confirm it, and what is sent then."""

    title: str
    effects: list[str]
    words: str
    method: str
    path: str
    body: Any = None
    # A digest of what it was made from.
    state: str = ""
    # What undoes it: a path, in which {NAME} is a member of the answer; and a body.
    undo_path: str = ""
    undo_method: str = "POST"
    undo_body: Any = None
    # What an undo expects to find at the undone path: field → value. Anything else has been changed by somebody since.
    expected: dict[str, Any] = field(default_factory=dict)
    # More about it, as JSON.
    details: dict[str, Any] = field(default_factory=dict)


Maker = Callable[[Caller, Mapping[str, Any]], Prepared]


def make(caller: Caller, action: str, given: Mapping[str, Any]) -> tuple[str, Prepared]:
    """Plan an action; returns its number and what it would do. Raises BadPlan, Refused."""
    if action not in MAKERS:
        raise BadPlan(f"There is no action {action}. Choose one of: {', '.join(CHOICES)}.")
    try:
        prepared = MAKERS[action](caller, given)
    except (KeyError, TypeError, ValueError) as problem:
        if isinstance(problem, BadPlan):
            raise
        raise BadPlan(f"The arguments of {action} are not complete: {NEEDS[action]}.") from problem
    number = secrets.token_hex(8)
    _keep(caller, number, {"action": action, "given": dict(given), "prepared": asdict(prepared), "confirmation": ""})
    return number, prepared


def confirm(caller: Caller, number: str, words: str) -> str:
    """Exchange the words of a person for the confirmation of a plan. Raises BadPlan."""
    plan = _kept(caller, number)
    wanted = plan["prepared"]["words"]
    if " ".join(words.split()).casefold() != wanted.casefold():
        raise BadPlan(f"Not confirmed. Show the plan to the person, who confirms it with the words: {wanted}")
    plan["confirmation"] = plan["confirmation"] or secrets.token_hex(8)
    _keep(caller, number, plan)
    return str(plan["confirmation"])


def run(caller: Caller, number: str, confirmation: str) -> Any:
    """Do what was confirmed. The same plan again gives the first answer. Raises BadPlan, Refused."""
    plan = _kept(caller, number)
    if not plan["confirmation"] or not secrets.compare_digest(plan["confirmation"].encode(), confirmation.encode()):
        raise BadPlan(
            "This plan is not confirmed. Nothing was written. Call confirm with the words of the person first."
        )
    prepared = Prepared(**plan["prepared"])
    if "answer" in plan:
        return plan["answer"]
    if prepared.state and MAKERS[plan["action"]](caller, plan["given"]).state != prepared.state:
        raise BadPlan("What this plan was made from has changed since. Nothing was written. Make the plan again.")
    answer = caller.call(
        prepared.method, prepared.path, body=prepared.body, headers={"Idempotency-Key": f"mcp-{number}"}
    )
    if plan["action"] == "import_file":
        answer = caller.get(f"imports/{answer['id']}", wait=WAIT_SECONDS)
    undo = {"method": prepared.undo_method, "path": _filled(prepared.undo_path, answer), "body": prepared.undo_body,
            "expected": prepared.expected}  # fmt: skip
    _keep(caller, number, {**plan, "answer": answer}, seconds=UNDO_SECONDS)
    cache.set(_key(caller, f"undo:{number}"), undo, UNDO_SECONDS)
    return answer


def undo(caller: Caller, number: str) -> Any:
    """Take back what a plan has done. Raises BadPlan, Refused (somebody has changed the same thing since)."""
    kept = cache.get(_key(caller, f"undo:{number}"))
    if not kept:
        raise BadPlan("There is nothing to undo under this plan: it did not run, or more than a day ago.")
    if not kept["path"]:
        raise BadPlan("This plan changed nothing, so there is nothing to undo.")
    if kept["expected"]:
        now = caller.get(kept["path"])
        if any(_value(now, key) != value for key, value in kept["expected"].items()):
            raise BadPlan("Nothing was undone: one of the values has been changed since.")
    answer = caller.call(
        kept["method"], kept["path"], body=kept["body"], headers={"Idempotency-Key": f"mcp-undo-{number}"}
    )
    if kept["path"].startswith("imports/"):
        return caller.get(f"imports/{answer['id']}", wait=WAIT_SECONDS)
    return answer


# --- kinds ----------------------------------------------------------------------------------------------------------------


def _import_file(caller: Caller, given: Mapping[str, Any]) -> Prepared:
    """A file is uploaded and checked at once, which writes no contact; the review is the plan."""
    if not str(given["content"]).strip():
        raise BadPlan("The file is empty.")
    settings = {str(name): value for name, value in (given.get("settings") or {}).items()}
    query = {**settings, "review": "true", "file_name": str(given.get("file_name") or "from-assistant.csv")}
    imp = caller.call("POST", "imports", query=query, data=str(given["content"]).encode(), content_type="text/csv")
    imp = caller.get(f"imports/{imp['id']}", wait=WAIT_SECONDS)
    if imp["ended"]:
        raise BadPlan(f"The file cannot be imported. {imp.get('sentence') or imp['status']}")
    try:
        review = caller.get(f"imports/{imp['id']}/review")
    except Refused as problem:
        if problem.status == 409:
            raise BadPlan(f"Import {imp['id']} is still being checked. Read it until it is ready for review.") from None
        raise
    counts = review["counts"]
    effects = [f"{text}: {counts[name]:,}" for name, text in OUTCOMES.items() if counts.get(name)]
    effects += [f"{change['label']}: {change['contacts']:,} contacts get another value" for change in review["changes"]]
    effects += [warning["sentence"] for warning in review["warnings"]]
    return Prepared(
        title=f"Import {_rows(review['rows'])} of {query['file_name']}", effects=effects,
        words=f"import {_rows(review['rows'])}", method="POST", path=f"imports/{imp['id']}/start",
        undo_path=f"imports/{imp['id']}/undo", details={"review": review},
    )  # fmt: skip


def _rows(count: int) -> str:
    return f"{count} row{'s' if count != 1 else ''}"


OUTCOMES = {
    "created": "Contacts created", "updated": "Contacts changed", "unchanged": "Rows that change nothing",
    "duplicates": "Rows that repeat another row", "skipped": "Rows skipped", "in_error": "Rows in error",
}  # fmt: skip


def _change_contact(caller: Caller, given: Mapping[str, Any]) -> Prepared:
    now, values = caller.get(f"contacts/{int(given['contact_id'])}"), dict(given["values"])
    before = {key: _value(now, key) for key in values}
    if not values or any(isinstance(value, dict) for value in before.values()):
        raise BadPlan("Send fields with their new values; statuses are not changed this way.")
    different = {key: value for key, value in values.items() if before[key] != value}
    if not different:
        raise BadPlan("The contact has these values already.")
    return Prepared(
        title=f"Change contact {now['id']}",
        effects=[f"{key}: {_seen(caller, before[key])} → {different[key]!r}" for key in different],
        words=f"change contact {now['id']}", method="PATCH", path=f"contacts/{now['id']}", body={"contact": different},
        state=_digest(before), undo_method="PATCH", undo_path=f"contacts/{now['id']}",
        undo_body={"contact": {key: before[key] for key in different}}, expected=different,
    )  # fmt: skip


def _value(row: dict[str, Any], key: str) -> Any:
    return row["fields"].get(key) if key in row["fields"] else row.get(key)


def _seen(caller: Caller, value: Any) -> str:
    return repr(value) if caller.sees_values or not isinstance(value, str | list) else masking.HIDDEN


def _delete_contact(caller: Caller, given: Mapping[str, Any]) -> Prepared:
    now = caller.get(f"contacts/{int(given['contact_id'])}")
    if now["deleted_at"]:
        raise BadPlan(f"Contact {now['id']} is deleted already.")
    return Prepared(
        title=f"Delete contact {now['id']}",
        effects=["It leaves all lists and segments; imports leave it alone.", "It can be restored."],
        words=f"delete contact {now['id']}", method="DELETE", path=f"contacts/{now['id']}",
        state=_digest(now["changed_at"]), undo_path="undo/{undo}",
    )  # fmt: skip


def _merge_contacts(caller: Caller, given: Mapping[str, Any]) -> Prepared:
    ids = [int(pk) for pk in given["contact_ids"]]
    rows = [caller.get(f"contacts/{pk}") for pk in ids]
    if len(set(ids)) < 2 or any(row["deleted_at"] for row in rows):
        raise BadPlan("Name at least two different contacts that are not deleted.")
    stays = int(given.get("survivor_id") or ids[0])
    if stays not in ids:
        raise BadPlan("The survivor must be one of the contacts.")
    others = ", ".join(str(pk) for pk in ids if pk != stays)
    return Prepared(
        title=f"Merge contacts {others} into {stays}",
        effects=[f"Contact {stays} gets what it does not have from the others.", f"{others}: deleted, and lead to {stays}."],
        words=f"merge into contact {stays}", method="POST", path="contacts/merge",
        body={"contacts": ids, "survivor": stays}, state=_digest([row["changed_at"] for row in rows]),
        undo_path="merges/{merge_id}/undo",
    )  # fmt: skip


def _change_members(caller: Caller, given: Mapping[str, Any]) -> Prepared:
    segment = caller.get(f"segments/{int(given['segment_id'])}")
    removes = given["change"] == "remove"
    if given["change"] not in ("add", "remove"):
        raise BadPlan("change must be add or remove.")
    ids = [int(pk) for pk in given["contact_ids"]]
    if segment["kind"] == "dynamic" or not ids:
        raise BadPlan("Name a static segment and at least one contact.")
    verb, preposition = ("Remove", "from") if removes else ("Add", "to")
    many = f"{len(ids):,} contact{'s' if len(ids) != 1 else ''}"
    return Prepared(
        title=f"{verb} {many} {preposition} {segment['name']}", effects=[f"The segment has {segment['size']:,} members."],
        words=f"{verb.lower()} {many}", method="POST",
        path=f"segments/{segment['id']}/members" + ("/remove" if removes else ""), body={"contacts": ids},
        undo_path="segment-edits/{edit_id}/undo",
    )  # fmt: skip


MAKERS: dict[str, Maker] = {
    "import_file": _import_file, "change_contact": _change_contact, "delete_contact": _delete_contact,
    "merge_contacts": _merge_contacts, "change_members": _change_members,
}  # fmt: skip
NEEDS = {
    "import_file": "content (the text of a CSV file), file_name, settings (names as in the API)",
    "change_contact": "contact_id, values (field → value)",
    "delete_contact": "contact_id",
    "merge_contacts": "contact_ids, survivor_id",
    "change_members": "segment_id, change (add or remove), contact_ids",
}


# --- storage --------------------------------------------------------------------------------------------------------------


def _key(caller: Caller, name: str) -> str:
    """A place in the cache that only the same token finds."""
    return f"mcp:{hashlib.sha256(caller.token.encode()).hexdigest()[:32]}:{name}"


def _keep(caller: Caller, number: str, plan: dict[str, Any], *, seconds: int = PLAN_SECONDS) -> None:
    cache.set(_key(caller, number), plan, seconds)


def _kept(caller: Caller, number: str) -> dict[str, Any]:
    plan = cache.get(_key(caller, number))
    if plan is None:
        raise BadPlan("There is no such plan: it is older than 15 minutes, or of another token. Make it again.")
    found: dict[str, Any] = plan
    return found


def _filled(path: str, answer: Any) -> str:
    """A path with members of an answer in it; empty where one of them is null: there is nothing to undo."""
    if "{" not in path:
        return path
    name = path[path.index("{") + 1 : path.index("}")]
    value = answer.get(name) if isinstance(answer, dict) else None
    return path.replace(f"{{{name}}}", str(value)) if value else ""


def _digest(state: Any) -> str:
    return hashlib.sha256(json.dumps(state, sort_keys=True, default=str).encode()).hexdigest()
