"""A workspace as it looks after some weeks: imports in every state, contacts, visitors, a segment, members."""

import csv
import dataclasses
import io
import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.test import Client
from django.utils import timezone

from api import tokens
from api.models import Delivery, Webhook
from audiences import lifecycle
from audiences.audience_form import AudienceForm, ListRow
from audiences.contact_lists import ContactList
from audiences.models import Audience, Lookalike, LookalikeMember
from connectors.models import Connector, ConnectorFile
from contacts.bulk import actions
from contacts.consent import blacklist
from contacts.duplicates import merge
from contacts.linkage import job, schedule
from contacts.models import Attribute, Contact, SignupForm
from contacts.profile import quick_actions
from contacts.subscriptions import categories, signup
from destinations import connections, syncs
from destinations.models import Sync, SyncBatch, SyncRun
from imports import segment_upload
from imports.models import Import, Phase
from imports.options import Options
from imports.pipeline import transitions, undo, worker
from imports.wizard import column_choices, saved_mappings, upload
from segments import dynamic
from segments import refresh as segment_refresh
from segments.models import Segment
from segments.rules.tree import ActivityCondition, FieldCondition, Group, Period
from sources import refresh
from sources.ambiguities import decisions, sweep
from sources.models import Ambiguity, Source
from tenants.isolation.context import tenant_context
from tenants.members import invitations
from tenants.models import FailedSignIn, Membership, Tenant, User
from tests.cast import person, workspace
from tests.imports.helpers import bring, receive, work_until
from tracking.email import webhooks
from tracking.models import Site, Visitor
from tracking.pixel import hits, inbox, inbox_consumer
from tracking.pixel.sites import new_key

HEADER = ["epasts", "klienta_nr", "tālrunis", "vārds", "uzvārds", "dz_datums", "pilsēta", "apavu_izm"]
NAMES = ["Anna", "Ilze", "Rūdolfs", "Marta", "Kari", "Jonas", "Līga", "Øystein", "Sofía", "Ксения", "Petter", "Maija"]
FAMILIES = [
    "Bērziņa",
    "Krūmiņa",
    "Ozols",
    "Liepa-Vanaga",
    "Sund",
    "Virvė",
    "Kalēja",
    "Bråthen-Hauge",
    "Núñez",
    "Орлова",
    "Moe",
    "Eglīte",
]
CITIES = ["Rīga", "Oslo", "Liepāja", "Bergen", "Vilnius", "Tromsø"]
ORDERS = ActivityCondition("order", "at_least", "2", Period("last", 30))
RULE = Group(
    "all",
    (
        Group("any", (FieldCondition("city", "is", ("Rīga", "Oslo")), ORDERS)),
        FieldCondition("email_status", "is", ("active",)),
    ),
)
MAPS = {"apavu_izm": "new:integer:shoe_size", "klienta_nr": "external_id"}


@dataclass
class Scene:
    """What the tests know of the workspace."""

    owner: User
    tenant: Tenant
    imports: dict[str, int] = dataclasses.field(default_factory=dict)
    contact: int = 0
    segment: int = 0
    dynamic: int = 0
    site: int = 0
    visitor: int = 0
    other: int = 0
    action: int = 0
    field: int = 0
    member: int = 0
    source: int = 0
    audience: int = 0
    gone: int = 0
    upload: int = 0
    list: int = 0
    columns: int = 0
    form: str = ""
    connector: int = 0
    dropped: int = 0
    webhook: int = 0
    delivery: int = 0
    token: int = 0
    fetching: int = 0
    syncs: dict[str, int] = dataclasses.field(default_factory=dict)
    lookalike: int = 0
    refused: int = 0

    def path(self, rest: str = "") -> str:
        return f"/w/{self.tenant.slug}/{rest}"

    def session(self) -> str:
        """The cookie of a browser in which the owner is signed in."""
        return _session_of(self.owner)

    def confirmed(self) -> str:
        """The same, where the password was said a moment ago, whatever the time."""
        return _session_of(self.owner, confirmed=True)

    def holder(self) -> str:
        """A browser of somebody who has every kind of second factor, and has just confirmed it."""
        user = person("Hugo")
        TOTP.activate(user, "A" * 32)
        RecoveryCodes.activate(user)
        Authenticator.objects.create(
            user=user, type="webauthn", pk=HOLDERS_KEY, data={"name": "Laptop", "credential": {}}
        )
        return _session_of(user, confirmed=True)


# The number of a passkey, for its address; the table begins at 1.
HOLDERS_KEY = 1_000_000


def _session_of(user: User, *, confirmed: bool = False) -> str:
    client = Client()
    client.force_login(user)
    if confirmed:
        session = client.session
        session["account_authentication_methods"] = [
            {"method": "password", "at": time.time() + 86_400, "reauthenticated": True}
        ]
        session["account_authentication_methods_user"] = str(user.pk)
        session.save()
    return client.cookies["session"].value


def people(count: int, *, start: int = 0, change: Callable[[int, list[str]], None] | None = None) -> str:
    """A file as a shop would export it, with names of several alphabets."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";")
    writer.writerow(HEADER)
    for i in range(start, start + count):
        row = [
            f"person{i}@inbox.example", f"C-{i:06}", f"+37126{i:06}", NAMES[i % 12], FAMILIES[i // 12 % 12],
            f"19{60 + i % 40}-0{1 + i % 9}-1{i % 9}", CITIES[i % 6], str(36 + i % 10),
        ]  # fmt: skip
        if change:
            change(i, row)
        writer.writerow(row)
    return out.getvalue()


def with_errors(i: int, row: list[str]) -> None:
    """One row in eight has something wrong with it, each time something else."""
    if i % 8 == 1:
        row[0] = f"person{i}@inbox"
    elif i % 16 == 4:
        row[2] = "3.46E+10"
    elif i % 32 == 6:
        row[5] = "1982-02-31"
    elif i % 32 == 14:
        del row[6:]
    elif i % 32 == 22:
        row[0] = f"person{i - 20}@inbox.example"  # and the ID of another person
    elif i % 32 == 30:
        row[0] = f"person{i - 1}@inbox.example"


def moved(_i: int, row: list[str]) -> None:
    row[6], row[7] = "Jūrmala", str(int(row[7]) + 1)


def build() -> Scene:
    """All of it, in real commits."""
    scene = Scene(person("Ieva Kalniņa"), None)  # type: ignore[arg-type]
    scene.tenant = workspace(scene.owner)
    _members(scene)
    _visits(scene)
    _ended(scene)
    with tenant_context(scene.tenant.pk):
        scene.contact = Contact.objects.get(email="person0@inbox.example").pk
        scene.other = Contact.objects.get(email="person3@inbox.example").pk
        scene.visitor = Visitor.objects.get(contact_id=scene.contact).pk
    _cared_for(scene)
    _sources(scene)
    _audiences(scene)
    _lookalikes(scene)
    _connectors(scene)
    _webhooks(scene)
    _syncs(scene)
    _tokens(scene)
    _segment_files(scene)
    _undecided(scene)
    _waiting(scene)
    return scene


def _cared_for(scene: Scene) -> None:
    """What admins do: doubles and who is probably one, a merge, a blacklist, settings, a bulk action, people who left."""
    with tenant_context(scene.tenant.pk):
        # But for those whom tests look for.
        looked_for = [f"person{n}@inbox.example" for n in (*range(4), 12)]
        others = list(Contact.objects.living().exclude(email__in=looked_for).order_by("pk"))
        first, second, *rest = others
        for known, email in ((first, first.email), (second, "p101@inbox.example")):
            name = str(known.first_name).replace("a", "aa", 1)
            Contact.objects.create(
                first_name=name, last_name=known.last_name, email=email, phone=known.phone,
                attributes=known.attributes, origin="manual",
            )  # fmt: skip
        blacklist.add(
            "email", ["person20@inbox.example", "nobody@inbox.example"], reason="bounces", user_id=scene.owner.pk
        )
        categories.add("News", "Once a month", user_id=scene.owner.pk)
        options = {"g": "Gold", "s": "Silver"}
        scene.field = Attribute.objects.create(key="tier", label="Tier", type="choice", options=options).pk
        key = scene.form = signup.new_key(scene.tenant.pk)
        SignupForm.objects.create(key=key, title="Our news", wording="I want to get e-mails.", categories=["News"])
        webhooks.add("postmark")
        scene.dynamic = dynamic.save_dynamic_segment(RULE, "Riga or orders", user_id=scene.owner.pk).pk
        search = schedule.start(user_id=scene.owner.pk)
        action = actions.begin("unsubscribe", {"q": "Rūdolfs"}, user_id=scene.owner.pk)
        merge.merge([contact.pk for contact in rest[:2]], user_id=scene.owner.pk)
        for contact in rest[2:5]:
            quick_actions.delete(contact.pk, reason="Asked to be deleted", user_id=scene.owner.pk)
    job.work(scene.tenant.pk, search.pk)
    actions.work(scene.tenant.pk, action.pk)
    scene.action = action.pk


def _tokens(scene: Scene) -> None:
    """A token that is used, and one that has expired."""
    with tenant_context(scene.tenant.pk):
        scopes = ["imports.view", "imports.run", "contacts.view"]
        scene.token = tokens.create("Nightly sync of the shop", scopes=scopes, user=scene.owner)[0].pk
        tokens.create("Fair 2025", scopes=["imports.run"], user=scene.owner, expires_at=timezone.now())


def _connectors(scene: Scene) -> None:
    """A connector with a file that was imported and one that was cut off."""
    with tenant_context(scene.tenant.pk):
        imp = Import.objects.get(pk=scene.imports["result"])
        mapping = saved_mappings.save(imp, "Shop", columns=imp.mapping, options=Options(), user=scene.owner)
        connector = Connector.objects.create(
            name="Shop customers", login="shop-customers", protocol="sftp", mapping_id=mapping.pk,
            secret_hash="x", secret_at=timezone.now(), networks="203.0.113.0/24", error="orders.csv: cut off",
            error_at=timezone.now(), last_seen_at=timezone.now(), last_address="203.0.113.7",
        )  # fmt: skip
        usual = {"connector_id": connector.pk, "size": 24_500, "fingerprint": "1:2:3:4:5"}
        ConnectorFile.objects.create(
            name="customers.csv", state="imported", import_id=imp.pk, taken_at=timezone.now(), **usual
        )
        dropped = ConnectorFile.objects.create(
            name="orders.csv", note="The connection broke off during the upload. Upload the file again.", **usual
        )
        scene.fetching = Connector.objects.create(
            name="Orders of the shop", login="orders", protocol="fetch_sftp", mapping_id=mapping.pk, pattern="*.csv",
            remote={"host": "sftp.example.com", "port": 22, "user": "cdp", "folder": "/export"}, next_at=timezone.now(),
        ).pk  # fmt: skip
    scene.connector, scene.dropped = connector.pk, dropped.pk


def _syncs(scene: Scene) -> None:
    """A data sync that waits for its review, and one with a run that had requests of all kinds."""
    with tenant_context(scene.tenant.pk):
        for contact in Contact.objects.living().order_by("pk")[:30]:
            contact.attributes = {**contact.attributes, "ads_consent": "granted" if contact.pk % 4 else "denied"}
            contact.save(update_fields=["attributes"])
        account = {"customer_id": "123-456-7890", "terms": "accepted"}
        destination = connections.connect(
            "google", name="Nordvik Google Ads", account=account, secret={"refresh_token": "x" * 20}, user=scene.owner,
            expires_at=timezone.now() + timedelta(days=3),
        )  # fmt: skip
        of_list = ContactList("segment", scene.segment)
        draft = syncs.create(destination, of_list, name="Club to ads", target={"list_id": "600123"}, user=scene.owner)
        sync = syncs.create(destination, of_list, name="Riga to ads", target={"list_id": "600124"}, user=scene.owner)
        now = timezone.now()
        Sync.objects.filter(pk=sync.pk).update(
            state="failed", error="Google Ads has no customer list of this ID in the account.", members=28
        )
        run = SyncRun.objects.create(
            sync_id=sync.pk, state="failed", started_at=now - timedelta(minutes=2), ended_at=now, processed=60, added=28,
            removed=2, rejected={"The identifier is not hashed": 1}, left_out={"never_asked": 30, "refused": 2}, batches=2,
            error="Google Ads has no customer list of this ID in the account.",
        )  # fmt: skip
        for place, state in enumerate(("done", "failed"), start=1):
            SyncBatch.objects.create(
                sync_id=sync.pk, run_id=run.pk, destination_id=destination.pk, uid=f"batch{place}", place=place, state=state,
                received=28, request_id="req-1", attempts=place, sent_at=now, removes=place == 2,
                rejected={"The identifier is not hashed": 1} if place == 1 else {},
            )  # fmt: skip
    scene.syncs = {"destination": destination.pk, "sync_draft": draft.pk, "sync": sync.pk, "run": run.pk}


def _webhooks(scene: Scene) -> None:
    """A webhook with a delivery that arrived and one that did not."""
    with tenant_context(scene.tenant.pk):
        webhook = Webhook.objects.create(
            url="https://shop.example.com/hooks/cdp", event_types=["import.ended", "contact.changed"], salt="x",
            created_by=scene.owner, contact_cursor="", failures=1, failing_since=timezone.now(),
            last_success_at=timezone.now(), description="Orders and newsletters of the shop",
        )  # fmt: skip
        imp = {"type": "import.ended", "at": timezone.now().isoformat(), "import_id": scene.imports["result"]}
        Delivery.objects.create(
            webhook_id=webhook.pk, message_id="msg_1", events=[imp], state="sent", attempts=1, status=200, answer="ok"
        )
        contact = {"type": "contact.changed", "at": timezone.now().isoformat(), "contact_id": scene.contact}
        failed = Delivery.objects.create(
            webhook_id=webhook.pk, message_id="msg_2", events=[contact] * 3, attempts=2, status=503, seconds=0.31,
            answer="Service Unavailable", next_at=timezone.now() + timedelta(minutes=10),
        )  # fmt: skip
    scene.webhook, scene.delivery = webhook.pk, failed.pk


def _sources(scene: Scene) -> None:
    """A source that is matched, one that has no file yet, a removed one; rows that are to be decided."""
    usual: dict[str, Any] = {"type": "customers", "created_by": scene.owner}
    with tenant_context(scene.tenant.pk):
        segments = {"origin": "segments", "segments": [scene.segment], "state": "ready"}
        source = Source.objects.create(name="Fair guests", **segments, **usual)
        refresh.begin(source)
        scene.source = source.pk
        scene.upload = Source.objects.create(name="Club members", origin="file", state="waiting", **usual).pk
        Source.objects.create(name="Old list", archived_at=timezone.now(), **segments, **usual)
    refresh.work(scene.tenant.pk, source.pk)
    sweep.run(scene.tenant.pk)


def _audiences(scene: Scene) -> None:
    """An audience with members, another one with some of them, and a deleted one."""
    with tenant_context(scene.tenant.pk):
        include, exclude = [ListRow("source", scene.source), ListRow("segment", scene.dynamic)], list[ListRow]()
        for name, use, conditions in (
            ("Winter", "google", ["valid"]),
            ("Letters", "email", ["email"]),
            ("Old", "file", []),
        ):
            form = AudienceForm(name, "Made for tests.", use, include, exclude, conditions)
            made = lifecycle.create(form, user_id=scene.owner.pk)
            assert made is not None, form.errors
            include, exclude = [ListRow("segment", scene.dynamic)], [ListRow("source", scene.source)]
            if name == "Winter":
                scene.audience = made.pk
            elif name == "Old":
                lifecycle.delete(made, user_id=scene.owner.pk)
                scene.gone = made.pk
        segments = [lifecycle.segment_of(one).pk for one in Audience.objects.filter(archived_at=None)]
    for pk in segments:
        segment_refresh.work(scene.tenant.pk, pk)


def _lookalikes(scene: Scene) -> None:
    """One that is ready, as a job would leave it; one that was refused, one that was deleted."""
    given: dict[str, Any] = {"seed_kind": "segment", "seed_id": scene.segment, "created_by": scene.owner}
    lifts = [
        {"percent": percent, "found": found, "hidden": 782, "expected": 782 * percent / 100, "passes": percent < 20,
         "lift": found / 7.82 / percent, "low": 3.9, "high": 5.7, "luck": 1e-9}
        for percent, found in ((3, 113), (7, 188), (10, 242), (15, 305), (20, 160))
    ]  # fmt: skip
    report = {
        "members": 3912, "usable": 3912, "others": 40_000, "hidden": 782, "lifts": lifts, "unreachable": 12,
        "curve": [[n, round(10 * n**0.5 if n else 0, 1)] for n in range(21)],
        "mattered": [{"words": "Looked at /boots in the last 30 days", "members": 71, "others": 9},
                     {"words": "Was active within 14 days", "members": 64, "others": 18}],
        "left_out": ["City is Riga"],
        "stand_ins": [{"words": "Company is Knit & Co", "trait": "Gender", "strength": 0.41}],
    }  # fmt: skip
    with tenant_context(scene.tenant.pk):
        ready = Lookalike.objects.create(
            name="Like the fair guests", size=3, state="ready", report=report, judged=40_000, entered=12, departed=3,
            refreshed_at=timezone.now(), **given,
        )  # fmt: skip
        places = enumerate(Contact.objects.living().order_by("pk").values_list("pk", flat=True)[:30], 1)
        LookalikeMember.objects.bulk_create(
            LookalikeMember(tenant_id=scene.tenant.pk, lookalike_id=ready.pk, contact_id=pk, place=n, score=0.5 / n)
            for n, pk in places
        )
        refused = Lookalike.objects.create(
            name="Like a few", size=7, state="refused", reason="The list has 12 contacts. At least 100 are needed.",
            refreshed_at=timezone.now(), **given,
        )  # fmt: skip
        Lookalike.objects.create(name="Old", size=7, archived_at=timezone.now(), **given)
    scene.lookalike, scene.refused = ready.pk, refused.pk


def _segment_files(scene: Scene) -> None:
    """A file that waits for its columns, and one that is to be confirmed."""
    rows = "klienta_nr,talrunis,piezime\n" + "".join(f"C-{i:06},,new\n" for i in range(5, 40)) + "C-999999,,\nx,12,\n"
    ids = []
    with tenant_context(scene.tenant.pk):
        segment = Segment.objects.get(pk=scene.segment)
        for mode in ("add", "replace"):
            given = {"segment": segment, "mode": mode, "file_name": "fair list.csv", "tenant": scene.tenant}
            upload = segment_upload.receive([rows.encode()], user=scene.owner, once=mode, **given)
            segment_upload.choose_columns(upload, ["external_id", "phone", "skip"], mode)
            upload.save()
            ids.append(upload.pk)
        segment_upload.begin(upload)
    segment_upload.work(scene.tenant.pk, upload.pk)
    scene.columns, scene.list = ids


def _members(scene: Scene) -> None:
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
    with tenant_context(scene.tenant.pk):
        for reason in FailedSignIn.Reason:
            FailedSignIn.objects.create(user=scene.owner, reason=reason, address="203.0.113.7", user_agent=agent)
        for name, role in (("Tomas Žukas", "admin"), ("Marte Lien", "marketer"), ("Ola Vik", "viewer")):
            scene.member = Membership.objects.create(user=person(name), role=role).pk
        invitations.invite(f"{uuid.uuid4().hex[:8]}@agency.example", role="marketer", by=scene.owner)


def _visits(scene: Scene) -> None:
    """Twelve visitors; four of them name who they are, before and after the contact is known."""
    with tenant_context(scene.tenant.pk):
        site = Site.objects.create(name="shop.nordvik.example", key=new_key(scene.tenant.pk))
        Site.objects.create(name="blog.nordvik.example", key=new_key(scene.tenant.pk))
    scene.site = site.pk
    for visitor in range(12):
        device = str(uuid.uuid4())
        for page in ("tents", "boots/alta-2", "cart"):
            url = f"https://shop.nordvik.example/{page}"
            _hit(scene, device, "page", url=url, title=page.title().replace("/", " "))
        if visitor < 4:
            names = {"email": f"person{visitor}@inbox.example"}
            _hit(scene, device, "identify", url="https://shop.nordvik.example/fair/win-a-tent", identifiers=names)
    inbox.count_drop("bot", tenant_id=scene.tenant.pk, site_id=site.pk)
    inbox.count_drop("opted_out", tenant_id=scene.tenant.pk, site_id=site.pk)
    inbox_consumer.drain()


def _undecided(scene: Scene) -> None:
    """Visitors that point at two contacts: one to decide, one left, one decided."""
    with tenant_context(scene.tenant.pk):
        phone = Contact.objects.living().exclude(phone=None).exclude(pk=scene.contact).order_by("pk")[0].phone
    names = {"email": "person0@inbox.example", "phone": phone}
    for _visitor in range(3):
        device = str(uuid.uuid4())
        for page in ("tents", "cart"):
            _hit(scene, device, "page", url=f"https://shop.nordvik.example/{page}", title=page.title())
        _hit(scene, device, "identify", url="https://shop.nordvik.example/account", identifiers=names)
    inbox_consumer.drain()
    sweep.run(scene.tenant.pk)
    with tenant_context(scene.tenant.pk):
        _first, second, third = Ambiguity.objects.filter(visitor_id__isnull=False).order_by("-pk")[:3]
        decisions.decide(second.pk, decisions.LEAVE, user_id=scene.owner.pk)
        decisions.decide(third.pk, str(scene.contact), user_id=scene.owner.pk)


def _hit(scene: Scene, device: str, kind: str, **more: Any) -> None:
    body = json.dumps({"device": device, "kind": kind, **more}).encode()
    hit = hits.parse(body, agent="Mozilla/5.0", opted_out=False)
    inbox.push(hit, tenant_id=scene.tenant.pk, site_id=scene.site)


def _ended(scene: Scene) -> None:
    keep: dict[str, Any] = {"user": scene.owner, "maps": MAPS}
    first = bring(scene.tenant, people(240, change=with_errors), segment="Fair Riga 2026", **keep)
    again = bring(scene.tenant, people(60, start=200, change=moved), **keep)
    failed = bring(scene.tenant, "email,city\n" + "a@example.com,Riga\n" * 3, user=scene.owner)
    canceled = receive(scene.tenant, people(20, start=900), user=scene.owner)
    with tenant_context(scene.tenant.pk):
        Import.objects.filter(pk=failed.pk).update(
            status="failed", reason="too_many_rows", reason_facts={"limit": 2, "found": 3}
        )
        upload.cancel(canceled)
        scene.segment = Import.objects.get(pk=first.pk).segments["Fair Riga 2026"]
    worker.work(scene.tenant.pk, canceled.pk)
    undone = bring(scene.tenant, people(40, start=700), **keep)
    with tenant_context(scene.tenant.pk):
        undo.request(undone, "undo", user=scene.owner)
    worker.work(scene.tenant.pk, undone.pk)
    scene.imports |= {"result": first.pk, "again": again.pk, "failed": failed.pk, "canceled": canceled.pk}
    names = ("autumn-fair-riga-2026.csv", "loyalty-tiers-q4.csv", "event-guests-oslo.csv", "web-orders-backfill-03.csv")
    with tenant_context(scene.tenant.pk):
        for pk, name in zip(scene.imports.values(), names, strict=True):
            Import.objects.filter(pk=pk).update(file_name=name)
    scene.imports["undone"] = undone.pk


def _waiting(scene: Scene) -> None:
    """One import for each page of the wizard. The running one stands still in the middle of its work."""
    keep: dict[str, Any] = {"user": scene.owner, "maps": MAPS}
    review = bring(scene.tenant, people(80, start=190, change=_both), review=True, segment="Fair Riga 2026", **keep)
    draft = receive(scene.tenant, people(30, start=300), name="newsletter-signups-w46.csv", user=scene.owner)
    run = receive(scene.tenant, people(400, start=400, change=with_errors), user=scene.owner)
    with tenant_context(scene.tenant.pk):
        upload.start(run, options=Options(), columns=column_choices.apply_choices(run, MAPS), auto_start=True)
        Import.objects.filter(pk=run.pk).update(file_name="members-2026-full-export.csv")
        Import.objects.filter(pk=review.pk).update(file_name="spring-campaign-no.csv")
    with patch.object(transitions, "WRITE_ROWS", 50):
        work_until(scene.tenant, run, Phase.APPLY)
        for _ in range(5):
            worker.step(scene.tenant.pk, run.pk)
    scene.imports |= {"review": review.pk, "draft": draft.pk, "running": run.pk}


def _both(i: int, row: list[str]) -> None:
    with_errors(i, row)
    if len(row) > 6:
        row[6] = "Sigulda"
