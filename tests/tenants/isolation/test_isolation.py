"""Workspaces are kept apart: every table, every model, every route, and each layer of protection by itself."""

import os
import time
import uuid
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, OperationalError, ProgrammingError, connection, transaction
from django.test import Client

from contacts.models import Contact
from core.body_limit import JUDGE
from imports.models import Import
from tenants import provider_sessions
from tenants.isolation import checks, rls
from tenants.isolation.base import TenantModel
from tenants.isolation.context import NoTenant, OtherTenant, current_tenant, tenant_context
from tenants.models import Membership, Tenant
from tenants.roles import PERMISSIONS, Role, may
from tests.cast import Actor, actor
from tests.imports.helpers import bring
from tests.tenants import factors
from tests.tenants.hostile import routes

MODELS = [m for m in apps.get_models() if issubclass(m, TenantModel)]
CSV = "email,first_name,phone\nann@example.com,Ann,+447911123456\nnot-an-address,Bob,\n"


@pytest.fixture(scope="module")
def full() -> Actor:
    """Alice, with a row in every table that the product fills by itself."""
    alice = actor("Alice")
    bring(alice.workspace, CSV, segment="Everybody", user=alice.user)
    with tenant_context(alice.workspace.pk):
        fill(alice)
    return alice


@pytest.fixture(scope="module")
def strict() -> tuple[Actor, Actor]:
    """A workspace that needs a second factor, full, and its owner without one; and another owner, who has shown theirs."""
    owner = actor("Sofia")
    bring(owner.workspace, CSV, segment="Everybody", user=owner.user)
    with tenant_context(owner.workspace.pk):
        fill(owner)
    holder = actor("Hugo", owner.workspace, "owner")
    factors.sign_in(holder.user, client=holder.client)
    factors.set_up(holder.client)
    Tenant.objects.filter(pk=owner.workspace.pk).update(needs_second_factor=True)
    return owner, holder


@pytest.fixture(scope="module")
def outsider() -> Actor:
    """Somebody with a workspace of their own, who only asks."""
    return actor("Charlie")


def fill(alice: Actor) -> None:
    """Rows for the tables that an import does not fill."""
    from datetime import UTC, datetime

    from api.models import ApiToken, Delivery, StoredAnswer, Webhook
    from audiences.models import Audience, Lookalike, LookalikeChange, LookalikeField, LookalikeMember
    from connectors.models import Connector, ConnectorFile, FetchedFile
    from contacts.models import (
        Alias,
        Attribute,
        BlacklistEntry,
        BulkAction,
        BulkItem,
        Category,
        ConsentRecord,
        Merge,
        ProbableKey,
        ProbablePair,
        ProbableSearch,
        QueuedChange,
        SignupForm,
        SilentChange,
        Suppression,
        UndoArchive,
        WatchedCause,
    )
    from destinations.models import Destination, Sync, SyncBatch, SyncKey, SyncMember, SyncRun
    from imports.models import Listing, SavedMapping, SegmentUpload
    from insights.models import ContactCount, ContactTally, HiddenGuide, ImportErrorTally
    from segments.models import EditRow, MemberChange, Segment, SegmentEdit, SegmentSize
    from sources.models import Ambiguity, AmbiguitySweep, Source, SourceMember
    from tenants.models import (
        AuditEntry,
        FailedSignIn,
        FileRemoval,
        IdentityProvider,
        Invitation,
        ProviderLink,
        RetentionRule,
        SignInDomain,
        WorkspaceExport,
    )
    from tracking import tally_upkeep
    from tracking.models import EventKey, HitId, MailHook, Quarantine, Site, VisitorRefusal
    from tracking.pixel import inbox_consumer, sites
    from tracking.pixel.hits import Hit
    from tracking.pixel.inbox import Entry
    from tracking.tally_models import OrderTally

    own = alice.workspace.pk
    UndoArchive.objects.create(tenant_id=own, import_id=1, kind="contact", item=1, part=0, data={})
    action = BulkAction.objects.create(kind="delete")
    BulkItem.objects.create(tenant_id=own, bulk_id=action.pk, contact_id=1)
    ProbableSearch.objects.create()
    SignupForm.objects.create(key="x", title="News", wording="yes")
    MailHook.objects.create(provider="postmark", key="x")
    ConsentRecord.objects.create(contact_id=1, wording="yes")
    Category.objects.create(name="News")
    BlacklistEntry.objects.create(kind="email", value="x@example.com")
    ProbableKey.objects.create(tenant_id=own, key=1, contact_id=1)
    ProbablePair.objects.create(tenant_id=own, low_id=1, high_id=2, group_id=1, strength=1, bits=1, print="x")
    SilentChange.objects.create(tenant_id=own, contact_id=1, at=datetime.now(UTC))
    merge = Merge.objects.create(contact_id=1, losers=[2], moved={"aliases": {"moved": []}})
    Alias.objects.create(kind="email", value="old@example.com", contact_id=1, merge_id=merge.pk)
    Quarantine.objects.create(kind="external_id", value="guest", devices=11, others=0, at=datetime.now(UTC))
    EventKey.objects.create(tenant_id=own, key="order:1", import_id=1)
    HitId.objects.create(tenant_id=own, hit=uuid.uuid4(), at=datetime.now(UTC))
    Listing.objects.create(tenant_id=own, import_id=1, start=0, part=1, keys=[], contact_ids=[1])
    SavedMapping.objects.create(name="Weekly", header_digest="0" * 64, columns=[])
    Attribute.objects.create(key="tier", label="Tier", type="text")
    Suppression.objects.create(kind="email", digest="0" * 64)
    Invitation.objects.create(email="new@example.com", role=Role.VIEWER, invited_by=alice.user)
    AuditEntry.objects.create(verb="test")
    RetentionRule.objects.create(kind="webhooks", days=30)
    FileRemoval.objects.create(name="1/x.csv")
    FailedSignIn.objects.create(user=alice.user, reason="password")
    IdentityProvider.objects.create(issuer="https://id.example.com", client_id="cdp", secret="1:x")
    ProviderLink.objects.create(user=alice.user, issuer="https://id.example.com", subject="7")
    SignInDomain.objects.create(tenant_id=own, domain="example.com")
    webhook = Webhook.objects.create(
        url="https://example.com/", event_types=["import.ended"], salt="x", created_by=alice.user, contact_cursor=""
    )
    Delivery.objects.create(webhook_id=webhook.pk, message_id="msg_1", events=[{"type": "ping", "at": "2026-01-01"}])
    ApiToken.objects.create(name="Sync", digest="0" * 64, scopes=["imports.view"], created_by=alice.user)
    StoredAnswer.objects.create(token_id=1, key="x", digest="0" * 64)
    hidden = Segment.everything.create(name="Winter", purpose="audience", rule={"v": 1, "all": []})
    Audience.objects.create(name="Winter", use="google", definition={"include": [["segment", 1]]}, segment_id=hidden.pk)
    Lookalike.objects.create(name="Like the club", seed_kind="segment", seed_id=1, size=3)
    LookalikeField.objects.create(key="tier", allowed=False)
    LookalikeMember.objects.create(tenant_id=own, lookalike_id=1, contact_id=1, place=1, score=0.5)
    LookalikeChange.objects.create(tenant_id=own, lookalike_id=1, contact_id=1, entered=True, at=datetime.now(UTC))
    place = Destination.objects.create(kind="webhook", name="Own address")
    sync = Sync.objects.create(destination_id=place.pk, name="Club", list_kind="segment", list_id=1)
    run = SyncRun.objects.create(sync_id=sync.pk)
    SyncBatch.objects.create(sync_id=sync.pk, run_id=run.pk, destination_id=place.pk, uid="1")
    SyncMember.objects.create(tenant_id=own, sync_id=sync.pk, contact_id=1, told=["contact:1"])
    SyncKey.objects.create(tenant_id=own, sync_id=sync.pk, digest=uuid.uuid4(), contact_id=1)
    source = Source.objects.create(name="Club", type="customers", origin="segments")
    SourceMember.objects.create(tenant_id=own, source_id=source.pk, contact_id=1, added_at=datetime.now(UTC))
    Ambiguity.objects.create(visitor_id=1, candidates=[])
    AmbiguitySweep.objects.create()
    QueuedChange.objects.create(contact_id=1, cause="contact")
    WatchedCause.objects.create(tenant_id=own, cause="contact")
    MemberChange.objects.create(
        tenant_id=own, segment_id=1, contact_id=1, at=datetime.now(UTC), entered=True, cause="contact"
    )
    edit = SegmentEdit.objects.create(segment_id=1, kind="added", at=datetime.now(UTC))
    SegmentUpload.objects.create(segment_id=1, mode="add", file_name="x.csv", path="x", size=1, sha256="0" * 64)
    EditRow.objects.create(tenant_id=own, edit_id=edit.pk, contact_id=1, entered=True)
    SegmentSize.objects.create(tenant_id=own, segment_id=1, hour=datetime.now(UTC), size=1)
    VisitorRefusal.objects.create(
        tenant_id=own, visitor_id=1, contact_id=1, kind="", value="", refused_at=datetime.now(UTC)
    )
    ContactTally.objects.create(kind="made", label="import", contacts=1)
    ContactCount.objects.create(zone="UTC", counted_at=datetime.now(UTC), seconds=1)
    ImportErrorTally.objects.create(import_id=1, code="", rows=0)
    HiddenGuide.objects.create(user=alice.user)
    WorkspaceExport.objects.create(created_by=alice.user)
    OrderTally.objects.create(day=datetime.now(UTC).date(), currency="EUR", claimed=False, orders=1, priced=1, amount=1)
    connector = Connector.objects.create(name="Shop", login="shop", protocol="sftp", secret_at=datetime.now(UTC))
    ConnectorFile.objects.create(connector_id=connector.pk, name="x.csv", size=1, fingerprint="1:1:1:1:1")
    FetchedFile.objects.create(connector_id=connector.pk, name="x.csv", size=1, version="1")
    site = Site.objects.create(name="shop", key=sites.new_key(alice.workspace.pk))
    page = Hit(str(uuid.uuid4()), "page", None, "https://shop.example.com/", None, None, {}, {})
    inbox_consumer.store(own, [Entry("1-0", own, site.pk, datetime.now(UTC).timestamp(), page)])
    tally_upkeep.catch_up(own)  # the hit below waits to be counted
    hit = Hit(
        str(uuid.uuid4()), "identify", None, "https://shop.example.com/", None, None, {}, {"email": "ann@example.com"}
    )
    inbox_consumer.store(
        alice.workspace.pk, [Entry("1-1", alice.workspace.pk, site.pk, datetime.now(UTC).timestamp(), hit)]
    )


def owner() -> "psycopg.Connection[Any]":
    return psycopg.connect(os.environ["OWNER_DATABASE_URL"], autocommit=True)


def as_sql(table: str) -> str:
    return f'SELECT count(*) FROM "{table}"'


# --- raw SQL as the application role --------------------------------------------------------------------------------


def granted_tables() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT table_name FROM information_schema.role_table_grants "
            "WHERE table_schema = 'public' AND grantee = %s",
            [settings.APP_ROLE],
        )
        return sorted(row[0] for row in cursor.fetchall())


def test_every_tenant_table_has_rows_to_hide(full: Actor) -> None:
    """Otherwise the tests below could not fail."""
    with tenant_context(full.workspace.pk):
        empty = [m.__name__ for m in MODELS if not m.objects.exists()]
    assert empty == []


def test_without_a_tenant_every_table_is_empty(full: Actor) -> None:
    tables = [t for t in granted_tables() if t not in rls.GLOBAL_TABLES]
    assert {m._meta.db_table for m in MODELS} == set(tables)
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(as_sql(table))
            assert cursor.fetchone() == (0,), table


def test_in_another_tenant_every_table_is_that_tenants(full: Actor, charlie: Actor) -> None:
    with tenant_context(charlie.workspace.pk), connection.cursor() as cursor:
        for model in MODELS:
            cursor.execute(f'SELECT count(*) FROM "{model._meta.db_table}" WHERE tenant_id = %s', [full.workspace.pk])
            assert cursor.fetchone() == (0,), model.__name__


def test_rows_cannot_be_written_for_another_tenant(full: Actor, charlie: Actor) -> None:
    insert = (
        "INSERT INTO attribute (tenant_id, key, label, type, options, created_at) "
        "VALUES (%s, 'x', 'x', 'text', '{}', now())"
    )
    refused = pytest.raises(ProgrammingError, match="row-level security")
    with refused, tenant_context(charlie.workspace.pk), connection.cursor() as cursor:
        cursor.execute(insert, [full.workspace.pk])
    with tenant_context(charlie.workspace.pk), connection.cursor() as cursor:
        cursor.execute("UPDATE contact SET first_name = 'x' WHERE tenant_id = %s", [full.workspace.pk])
        assert cursor.rowcount == 0


def test_a_reference_to_another_tenants_row_is_refused(full: Actor, charlie: Actor) -> None:
    with tenant_context(full.workspace.pk):
        foreign = Import.objects.values_list("pk", flat=True)[0]
    statement = (
        "INSERT INTO import_unit (import_id, kind, no, start, stop, first_line, attempts, claim, seconds, counts) "
        "VALUES (%s, 'plan', 0, 0, 0, 0, 0, '', 0, '{}')"
    )
    with pytest.raises(IntegrityError), tenant_context(charlie.workspace.pk), connection.cursor() as cursor:
        cursor.execute(statement, [foreign])


@pytest.mark.parametrize(
    "statement", ["TRUNCATE contact", "DROP TABLE contact", "ALTER TABLE contact DISABLE ROW LEVEL SECURITY"]
)
def test_the_application_role_cannot_go_around(statement: str) -> None:
    with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_partitions_cannot_be_reached_by_their_own_names() -> None:
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(as_sql("event_2026_11"))


# --- the catalogue, and mutations of it -----------------------------------------------------------------------------


def test_the_catalogue_is_clean() -> None:
    assert checks.findings() == []
    assert checks.catalogue() == []


def test_every_entry_of_global_tables_exists() -> None:
    assert set(rls.GLOBAL_TABLES) <= set(granted_tables())


MUTATIONS = [
    "ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
    "ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY",
    "DROP POLICY tenant ON {table}",
    "GRANT TRUNCATE ON {table} TO {role}",
    "ALTER POLICY tenant ON {table} USING (true)",
    "ALTER POLICY tenant ON {table} WITH CHECK (true)",
]


@pytest.mark.parametrize("table", sorted(m._meta.db_table for m in MODELS))
def test_loosening_any_table_turns_the_audit_red(table: str) -> None:
    """Each protection of each table is taken away once, in a transaction that is rolled back."""
    for mutation in MUTATIONS:
        with owner() as raw, raw.transaction(force_rollback=True):
            raw.execute(mutation.format(table=f'"{table}"', role=settings.APP_ROLE))
            rows = raw.execute(checks.TABLES, {"role": settings.APP_ROLE}).fetchall()
        found = [text for row in rows for text in checks.faults_of(checks.Table(*row))]
        assert found, f"{mutation} on {table} was not seen"


def test_a_table_without_protection_turns_the_audit_red() -> None:
    with owner() as raw, raw.transaction(force_rollback=True):
        raw.execute("CREATE TABLE stray (id bigint, tenant_id bigint)")
        raw.execute(f"GRANT SELECT ON stray TO {settings.APP_ROLE}")
        rows = raw.execute(checks.TABLES, {"role": settings.APP_ROLE}).fetchall()
    assert [row[1] for row in rows if checks.faults_of(checks.Table(*row))] == ["stray"]


def test_a_role_that_could_bypass_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    checks.refuse_bypassing_role()
    monkeypatch.setattr(checks, "ROLE", checks.ROLE.replace("current_user", "'postgres'"))
    with pytest.raises(ImproperlyConfigured, match="superuser"):
        checks.refuse_bypassing_role()
    monkeypatch.setattr(checks, "ROLE", checks.ROLE.replace("'postgres'", "'cdp_owner'"))
    with pytest.raises(ImproperlyConfigured, match="owns tables"):
        checks.refuse_bypassing_role()


def test_a_database_that_is_away_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[str | OperationalError] = [
        OperationalError("refused"), OperationalError("starting up"), "it is a superuser",
    ]  # fmt: skip

    def answer() -> str:
        now = answers.pop(0)
        if isinstance(now, OperationalError):
            raise now
        return now

    monkeypatch.setattr(checks, "role_problem", answer)
    with pytest.raises(ImproperlyConfigured, match="superuser"):
        checks.refuse_bypassing_role(pause=0)
    answers.append(OperationalError("refused"))
    with pytest.raises(OperationalError):
        checks.refuse_bypassing_role(patience=0)


# --- the manager and the context ------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.__name__)
def test_every_model_refuses_to_work_without_a_tenant(model: Any) -> None:
    with pytest.raises(NoTenant):
        model.objects.count()
    with pytest.raises(NoTenant):
        model._base_manager.count()


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.__name__)
def test_every_manager_names_the_tenant(model: Any, charlie: Actor) -> None:
    """The policy alone would hold; the manager's literal is the second wall, and what the planner goes by."""
    with tenant_context(charlie.workspace.pk):
        assert f'"tenant_id" = {charlie.workspace.pk}' in str(model.objects.all().query)
        assert f'"tenant_id" = {charlie.workspace.pk}' in str(model._base_manager.all().query)


def test_each_wall_holds_alone(full: Actor, charlie: Actor) -> None:
    """Without the manager's filter the policy hides the rows; without the policy the filter does."""
    from django.db.models import QuerySet

    with tenant_context(charlie.workspace.pk):
        assert QuerySet(Contact).count() == 0
        sql, params = Contact.objects.all().query.sql_with_params()
    superuser = psycopg.connect(os.environ["OWNER_DATABASE_URL"], autocommit=True)
    with superuser as raw, raw.transaction(force_rollback=True):
        raw.execute("ALTER TABLE contact DISABLE ROW LEVEL SECURITY")
        everything = raw.execute("SELECT count(*) FROM contact").fetchone()
        filtered = raw.execute(f"SELECT count(*) FROM ({sql}) x", params).fetchone()
    assert everything is not None
    assert everything[0] > 0
    assert filtered == (0,)


def test_contexts_nest_only_with_themselves(alice: Actor, charlie: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        with tenant_context(alice.workspace.pk):
            assert current_tenant() == alice.workspace.pk
        with pytest.raises(OtherTenant), tenant_context(charlie.workspace.pk):
            pass
    with pytest.raises(NoTenant):
        current_tenant()


def test_the_setting_does_not_outlive_the_context(alice: Actor) -> None:
    with transaction.atomic():
        with tenant_context(alice.workspace.pk):
            assert Membership.objects.count() == 1
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM membership")
            assert cursor.fetchone() == (0,)


# --- every route ----------------------------------------------------------------------------------------------------


INSIDE = routes(settings.WORKSPACE_URLCONF)


# Where who has no second factor is led.
DOOR = "/account/second-factor/"
# What stands in routes beside numbers: words that the views know.
WORDS = {
    "kind": "google",
    "key": "city",
    "name": "blacklist-email",
    "outcome": "created",
    "example": "new",
    "guide": "admin",
    "data_kind": "webhooks",
}


def concrete(path: str, number: int = 1) -> str:
    import re

    return re.sub(r"<(?:slug|str):(\w+)>", lambda found: WORDS[found[1]], re.sub(r"<int:\w+>", str(number), path))


@pytest.mark.parametrize("urlconf", [settings.ROOT_URLCONF, settings.WORKSPACE_URLCONF])
def test_every_route_declares_who_may_use_it(urlconf: str) -> None:
    known = {*PERMISSIONS, "public", "signed_in", "api"}  # of the API, tests/api/test_routes.py asks each operation
    assert [path for path, view in routes(urlconf) if getattr(view, "permission", None) not in known] == []


@pytest.mark.parametrize("path", [path for path, _view in INSIDE])
@pytest.mark.parametrize("method", ["get", "head", "post", "put", "patch", "delete", "options"])
def test_an_outsider_finds_nothing(full: Actor, outsider: Actor, path: str, method: str) -> None:
    """Foreign = missing: the same 404, whatever the address and method."""
    response = getattr(outsider.client, method)(full.url(concrete(path)))
    nowhere = getattr(outsider.client, method)(f"/w/no-such-workspace/{concrete(path)}")
    assert (response.status_code, nowhere.status_code) == (404, 404)
    assert response.content == nowhere.content


@pytest.mark.parametrize("path", [path for path, _view in INSIDE])
def test_without_a_second_factor_no_route_of_a_workspace_that_needs_one_opens(
    strict: tuple[Actor, Actor], path: str
) -> None:
    """Whatever the route, the method, the number in it, and whoever asks, a browser or htmx: on to setting one up."""
    owner, _holder = strict
    for number in (1, 2) if "<int:" in path else (1,):
        for method in ("get", "head", "post", "put", "patch", "delete", "options"):
            url = owner.url(concrete(path, number))
            answer = getattr(owner.client, method)(url)
            assert (answer.status_code, answer.headers["Location"].partition("?")[0]) == (302, DOOR), (url, method)
            assert answer.content == b""
            fragment = getattr(owner.client, method)(url, headers={"HX-Request": "true"})
            assert (fragment.status_code, fragment.headers["HX-Redirect"].partition("?")[0]) == (401, DOOR)
            judged = getattr(owner.client, method)(url, **{JUDGE: "1"})
            assert judged.status_code == 302, "nor does the front read a body for it"


def test_without_a_second_factor_no_page_outside_acts_for_a_workspace_that_needs_one(
    strict: tuple[Actor, Actor],
) -> None:
    """The pages of single sign-on are outside: testing a connection is an act, and the door leads to the factor."""
    owner, holder = strict
    assert owner.client.post(f"/login/company/{owner.workspace.slug}/test/").status_code == 404
    assert holder.client.post(f"/login/company/{owner.workspace.slug}/test/").status_code == 302
    led = owner.client.get(f"/login/company/{owner.workspace.slug}/?next={owner.url('contacts/')}", follow=True)
    assert [where.partition("?")[0] for where, _status in led.redirect_chain] == [owner.url("contacts/"), DOOR]


@pytest.fixture(scope="module")
def closed() -> tuple[Actor, Actor]:
    """A workspace that requires single sign-on, and members who have not shown its provider: one has shown a password, one
    the provider of another workspace."""
    owner = actor("Vera")
    bring(owner.workspace, CSV, segment="Everybody", user=owner.user)
    with tenant_context(owner.workspace.pk):
        fill(owner)
    Tenant.objects.filter(pk=owner.workspace.pk).update(needs_single_sign_on=True)
    elsewhere = actor("Egon", owner.workspace, "owner")
    session = elsewhere.client.session
    shown = {str(owner.workspace.pk + 1_000_000): [time.time(), True]}
    session[provider_sessions.KEY] = {"user": elsewhere.user.pk, "alone": True, "workspaces": shown}
    session.save()
    return owner, elsewhere


@pytest.mark.parametrize("path", [path for path, _view in INSIDE])
def test_without_the_provider_no_route_of_a_workspace_that_requires_it_opens(
    closed: tuple[Actor, Actor], path: str
) -> None:
    """Whatever the route and the method: neither a password nor the provider of another workspace opens it."""
    door = f"/login/company/{closed[0].workspace.slug}/"
    for who in closed:
        for method in ("get", "head", "post", "put", "patch", "delete", "options"):
            url = who.url(concrete(path))
            answer = getattr(who.client, method)(url)
            assert (answer.status_code, answer.headers["Location"].partition("?")[0]) == (302, door), (url, method)
            assert answer.content == b""
        fragment = who.client.get(url, headers={"HX-Request": "true"})
        assert (fragment.status_code, fragment.headers["HX-Redirect"].partition("?")[0]) == (401, door)


def test_with_it_every_route_answers_as_ever(strict: tuple[Actor, Actor]) -> None:
    """Otherwise the test above could not fail."""
    _owner, holder = strict
    opened = 0
    for path, _view in INSIDE:
        answer = holder.get(concrete(path))
        opened += answer.status_code == 200
        answer.close()  # files among them
    assert opened > 40


def ids_of(full: Actor) -> list[int]:
    with tenant_context(full.workspace.pk):
        return sorted({m.objects.values_list("pk", flat=True)[0] for m in MODELS if m._meta.pk.name == "id"})


@pytest.mark.parametrize("path", [path for path, _view in INSIDE if "<int:" in path])
def test_foreign_ids_inside_ones_own_workspace_find_nothing(full: Actor, charlie: Actor, path: str) -> None:
    for number in ids_of(full):
        for method in ("get", "post"):
            response = getattr(charlie.client, method)(charlie.url(concrete(path, number)))
            assert response.status_code in (404, 405), (path, number, method)


@pytest.mark.parametrize("path", [path for path, _view in INSIDE if "<int:" not in path])
def test_no_page_of_another_workspace_shows_foreign_data(full: Actor, charlie: Actor, path: str) -> None:
    response = charlie.get(path)
    if not response.streaming:
        assert b"ann@example.com" not in response.content
        assert full.workspace.slug.encode() not in response.content


def test_signed_out_one_is_sent_to_the_door(full: Actor) -> None:
    response = Client().get(full.url("contacts/"))
    assert response.status_code == 302
    assert response.headers["Location"].startswith("/login/")
    fragment = Client().get(full.url("contacts/"), headers={"HX-Request": "true"})
    assert (fragment.status_code, fragment.headers["HX-Redirect"]) == (401, "/login/")


@pytest.mark.parametrize("role", list(Role))
def test_every_route_obeys_the_permission_table(full: Actor, role: Role) -> None:
    somebody = actor(role.title(), full.workspace, role.value)
    for path, view in INSIDE:
        if "cancel" in path or "confirm" in path:
            continue
        response = somebody.get(concrete(path, 999_999))
        allowed = may(role, view.permission)
        if not allowed:
            assert response.status_code == 404, (role, path)
        elif "<int:" not in path:
            assert response.status_code != 404, (role, path)


def test_reading_writes_nothing(full: Actor) -> None:
    """GET runs in a read-only transaction: PostgreSQL itself refuses a write."""
    with pytest.raises(Exception, match="read-only"), tenant_context(full.workspace.pk, read_only=True):
        Contact.objects.create(email="x@example.com", origin="manual")


def test_a_role_that_was_taken_away_ends_at_once(alice: Actor, bob: Actor) -> None:
    assert bob.get("contacts/").status_code == 200
    with tenant_context(alice.workspace.pk):
        Membership.objects.filter(user=bob.user).delete()
    assert bob.get("contacts/").status_code == 404


def test_permissions_name_real_roles() -> None:
    assert all(roles <= frozenset(Role) and roles for roles in PERMISSIONS.values())
    with pytest.raises(KeyError):
        may("owner", "no.such.permission")


def test_a_workspace_counts_its_own(full: Actor) -> None:
    assert Tenant.objects.filter(pk=full.workspace.pk).count() == 1
