"""The demo workspace: a shop for outdoor gear, with everything that the pages can show. All of it is made up.

Nothing here is a special way in: files go through the pipeline, hits through the pixel's road. Each part is made only
if it is not there yet, so a second run does nothing and one that was killed goes on.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from audiences import lifecycle
from audiences.audience_form import AudienceForm, ListRow
from audiences.models import Audience, Use
from cdp.demo import history, lookalikes, orders, people, syncs, visits
from cdp.stack.machine import DEMO_LOGIN, secret
from connectors import credentials, folders
from connectors import logins as logins_of_files
from connectors.models import DROPPING, Connector, Protocol
from contacts import value_state
from contacts.models import Contact
from contacts.values import ads_consent
from imports.models import Import, Phase
from imports.options import Options
from imports.pipeline import worker
from imports.wizard import column_choices, saved_mappings, upload
from segments import dynamic
from segments import refresh as segment_refresh
from segments.models import Segment
from segments.rules.tree import ActivityCondition, FieldCondition, Group, Period
from sources import refresh
from sources.ambiguities import sweep
from sources.models import Origin, Source, SourceState, SourceType
from tenants.isolation.context import tenant_context
from tenants.models import Membership, Tenant, User
from tenants.roles import Role
from tenants.workspaces import create_workspace
from tracking.models import Site, Visitor
from tracking.pixel import inbox_consumer
from tracking.pixel.inbox import Entry
from tracking.pixel.sites import new_key

SLUG, NAME, COUNTRY = "nordvik-outdoor", "Nordvik Outdoor", "GB"
LOOKING = "Looking around, can be written to"
OWNER = (DEMO_LOGIN, "Ingrid Nordvik")
MEMBERS = (
    ("adam@example.com", "Adam Berg", Role.ADMIN),
    ("marta@example.com", "Marta Lind", Role.MARKETER),
    ("olga@example.com", "Olga Peters", Role.OPS),
    ("victor@example.com", "Victor Osei", Role.VIEWER),
)
SEED = 2024
VISITORS = 420
PATIENCE_SECONDS = 120.0
CRM_HEADER = (
    "E-mail address", "Mobile", "Customer number", "First name", "Surname", "Town",
    "Country", "Date of birth", "Lifetime value", "Newsletter", "Interests", "Consent given",
)  # fmt: skip


@dataclass(frozen=True)
class File:
    """A file of the demo: its look and the rows in it."""

    name: str
    rows: Callable[[], Iterator[list[str]]]
    header: Sequence[str] = people.HEADER
    encoding: str = "utf-8"
    separator: str = ","
    text: Callable[[], str] | None = None  # instead of rows: the whole file
    targets: Mapping[str, str] = field(default_factory=dict)  # columns that are not guessed

    def write(self, folder: Path) -> Path:
        """Write it and return its path."""
        path = folder / self.name
        if self.text is not None:
            path.write_text(self.text(), encoding=self.encoding)
            return path
        people.write(path, self.rows(), header=self.header, encoding=self.encoding, separator=self.separator)
        return path

    @property
    def maps(self) -> dict[str, str]:
        """Columns that become fields of the workspace's own."""
        if len(self.header) != len(people.HEADER):
            return dict(self.targets)  # a file of another kind
        titles = dict(zip(people.HEADER, self.header, strict=True))
        return {titles[name]: target for name, target in people.OWN_COLUMNS.items()}


CUSTOMERS = File("shop-customers.csv", lambda: people.rows(1500, SEED, bad=0.004, duplicates=0.01, malformed=0))
CRM = File(
    "crm-export.csv",
    lambda: people.western(2500, SEED, first=1000, salt=1, bad=0.06, duplicates=0.05, malformed=0.01),
    header=CRM_HEADER, encoding="cp1252", separator=";",
)  # fmt: skip
SIGNUPS = File("newsletter-signups.csv", lambda: people.rows(600, SEED, first=3600, salt=2, bad=0.02))
# What the shop has sold to its customers.
ORDERS = File(
    "shop-orders.csv",
    lambda: orders.rows(SEED, customers=range(1400), until=timezone.now()),
    header=orders.HEADER,
    targets=orders.TARGETS,
)
# What another program for newsletters knew of its readers.
STATUSES = File(
    "newsletter-status.csv", lambda: iter(history.statuses()), header=("email", "first_name", "email_status")
)
# Somebody has cut this one off in the middle of a cell: its import fails.
CUT_OFF = File("stores-cut-off.csv", lambda: iter([]), header=(), text=history.cut_off)
# To try by oneself: people whom the demo does not know yet, beside some whom it does.
SAMPLES = (
    File("customers.csv", lambda: people.rows(500, SEED, first=5000, bad=0, duplicates=0, malformed=0)),
    File(
        "messy-crm.csv",
        lambda: people.western(2000, SEED, first=2500, salt=3, bad=0.08, duplicates=0.05, malformed=0.02),
        header=CRM_HEADER, encoding="cp1252", separator=";",
    ),
    File("excel-unicode.txt", lambda: people.rows(300, SEED, first=4000, salt=4), encoding="utf-16", separator="\t"),
)  # fmt: skip


def make() -> dict[str, Any]:
    """Make what is missing of the demo; returns workspace, login and password, and the logins of all roles."""
    password = secret(Path(settings.HOME) / "demo-password")[:16]  # short enough to type
    owner = _person(*OWNER, password=password)
    tenant = _workspace(owner, password)
    samples = Path(settings.HOME) / "samples"
    samples.mkdir(parents=True, exist_ok=True)
    for file in SAMPLES:
        if not (samples / file.name).exists():
            file.write(samples)
    _import(tenant, CUSTOMERS, user=owner, segment="Shop customers")
    _watch(tenant)
    _segment(tenant, owner)
    _import(tenant, CRM, user=owner, segment="Trade fair Leeds", bad_value="error")
    _import(tenant, SIGNUPS, user=owner, review=True, segment="Newsletter")
    _import(tenant, STATUSES, user=owner, bad_value="error")
    _import(tenant, CUT_OFF, user=owner)
    _import(tenant, ORDERS, user=owner, task="orders", mode="update_only")
    history.make(tenant, owner)
    _source(tenant, owner)
    lookalikes.make(tenant, owner)
    _audiences(tenant, owner)
    syncs.make(tenant, owner)
    everybody = ((owner.email, owner.name, Role.OWNER), *MEMBERS)
    logins = [
        {"login": email, "role": str(role), "name": name, "password": password} for email, name, role in everybody
    ]
    users = {protocol: _connector(tenant, owner, protocol=protocol, password=password) for protocol in DROPPING}
    return {"workspace": SLUG, "login": owner.email, "password": password, "logins": logins, "connectors": users}


def _connector(tenant: Tenant, owner: User, *, protocol: str, password: str) -> str:
    """The user of a connector for files such as the shop's customers; its password is that of the demo."""
    login = f"shop-{protocol}"
    with tenant_context(tenant.pk):
        known = Connector.objects.filter(login=login).first()
        if known is None:
            imp = Import.objects.filter(file_name=CUSTOMERS.name).order_by("pk")[0]
            layout = saved_mappings.save(
                imp, "Shop customers", columns=imp.mapping, options=Options.parse(imp.options), user=owner
            )
            known = Connector.objects.create(
                name=f"Shop customers by {Protocol(protocol).label}", login=login, protocol=protocol, created_by=owner,
                mapping_id=layout.pk, secret_hash=credentials.hashed(password), secret_at=timezone.now(),
            )  # fmt: skip
    folders.of(tenant.pk, known.pk).make()
    return logins_of_files.user_name(tenant, known)


def _segment(tenant: Tenant, owner: User) -> None:
    """A dynamic segment: who looks around and can be written to."""
    looks = ActivityCondition("page", "at_least", "2", Period("last", 365))
    rule = Group("all", (FieldCondition("email_status", "is", ("active",)), looks))
    with tenant_context(tenant.pk):
        if not Segment.objects.filter(name=LOOKING).exists():
            dynamic.save_dynamic_segment(rule, LOOKING, user_id=owner.pk)


def _source(tenant: Tenant, owner: User) -> None:
    """A source of the shop's customers, matched, and what points at two people."""
    with tenant_context(tenant.pk):
        if Source.objects.exists():
            return
        segment = Segment.objects.get(name="Shop customers")
        source = Source.objects.create(
            name="Shop customers", type=SourceType.CUSTOMERS, origin=Origin.SEGMENTS, segments=[segment.pk],
            description="Everyone who has an account in the shop", created_by=owner, state=SourceState.READY,
        )  # fmt: skip
        refresh.begin(source)
    sweep.run(tenant.pk)
    refresh.work(tenant.pk, source.pk)


def _audiences(tenant: Tenant, owner: User) -> None:
    """Two audiences, one for an ad network, with the ads consents that they need: most agreed, some refused."""
    with tenant_context(tenant.pk):
        if Audience.objects.exists():
            return
        now, answers = timezone.now(), (ads_consent.GRANTED,) * 6 + (ads_consent.DENIED,)
        for contact in Contact.objects.living().order_by("pk"):
            if contact.pk % 9 < len(answers):
                value_state.write_states(contact, {ads_consent.KEY: [answers[contact.pk % 9]]}, now)
        looking, fair = (Segment.objects.get(name=name).pk for name in (LOOKING, "Trade fair Leeds"))
        shop = Source.objects.get(name="Shop customers").pk
        winter = AudienceForm(
            "Winter campaign", "Ads for customers and visitors", Use.GOOGLE,
            [ListRow("source", shop), ListRow("segment", looking)], [ListRow("segment", fair)], ["email", "ads", "valid"],
        )  # fmt: skip
        letters = AudienceForm(
            "Letter to the fair", "", Use.EMAIL, [ListRow("segment", fair), ListRow("segment", looking)], [], ["email"]
        )
        made = [lifecycle.create(form, user_id=owner.pk) for form in (winter, letters)]
    # First the segment that both of them ask.
    for segment_id in (looking, *(audience.segment_id for audience in made if audience is not None)):
        segment_refresh.work(tenant.pk, segment_id)


def _person(email: str, name: str, *, password: str | None = None) -> User:
    known: User | None = User.objects.filter(email=email).first()
    if known is None:
        return User.objects.create_user(email, password, name=name)
    if password and not known.has_usable_password():  # made when only the owner could sign in
        known.set_password(password)
        known.save(update_fields=["password"])
    return known


def _workspace(owner: User, password: str) -> Tenant:
    with transaction.atomic():
        tenant = Tenant.objects.filter(slug=SLUG).first() or create_workspace(
            SLUG, name=NAME, country=COUNTRY, owner=owner
        )
    with tenant_context(tenant.pk):
        for email, name, role in MEMBERS:
            Membership.objects.get_or_create(user=_person(email, name, password=password), defaults={"role": role})
    return tenant


def _import(tenant: Tenant, file: File, *, user: User, review: bool = False, **options: str) -> None:
    """Import a file of the demo, if it has not been; returns when it has ended, or waits for its review."""
    with tenant_context(tenant.pk):
        imp = Import.objects.filter(file_name=file.name).order_by("pk").first()
        if imp is None:
            imp = _receive(tenant, file, user)
            kept = Options.parse(options)
            chosen = column_choices.apply_choices(imp, file.maps, options=kept)
            upload.start(imp, options=kept, columns=chosen, auto_start=not review)
    _wait(tenant, imp)


def _receive(tenant: Tenant, file: File, user: User) -> Import:
    path = file.write(Path(settings.HOME))
    try:
        return upload.store_upload([path.read_bytes()], file_name=file.name, tenant=tenant, user=user)
    finally:
        path.unlink()


def _wait(tenant: Tenant, imp: Import) -> None:
    """Work on the import, beside the workers if there are any, until it needs nobody any more."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        worker.work(tenant.pk, imp.pk)
        with tenant_context(tenant.pk):
            if Import.objects.get(pk=imp.pk).phase in (Phase.REVIEW, Phase.DONE):
                return
        time.sleep(0.05)
    raise TimeoutError(f"{imp.file_name} was not imported within {PATIENCE_SECONDS:.0f} s.")


def _watch(tenant: Tenant) -> None:
    """Thirty days of the shop, as the pixel would have sent them."""
    with tenant_context(tenant.pk):
        site = Site.objects.order_by("pk").first() or Site.objects.create(
            name="shop.nordvik-outdoor.example", key=new_key(tenant.pk)
        )
        if Visitor.objects.exists():
            return
    now = time.time()
    seen = visits.hits(VISITORS, SEED, known=range(1000), coming=range(1500, 4100))
    seen += [*visits.shared(SEED, known=range(40, 46)), *visits.now(SEED)]
    seen.sort(key=lambda s: -s.age)
    entries = [
        Entry(f"{int((now - s.age) * 1000)}-{no}", tenant.pk, site.pk, now - s.age, s.hit) for no, s in enumerate(seen)
    ]
    inbox_consumer.store(tenant.pk, entries)
