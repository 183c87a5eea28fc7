"""Whom the pixel saw: sites, visitors, what they named themselves, and what they did."""

from enum import StrEnum
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from core.exact_json import JSONField
from tenants.isolation.base import TenantModel
from tracking import tally_models

# Models are known to Django by this module.
_TALLIES = tally_models


class MatchedBy(StrEnum):
    """By what a visitor is matched with a contact, the strongest first. A decision is a member's."""

    LINK = "link"
    EXTERNAL_ID = "external_id"
    EMAIL = "email"
    PHONE = "phone"
    DECISION = "decision"


# The same order for statements.
STRONGEST_FIRST = f"ARRAY[{', '.join(repr(kind.value) for kind in MatchedBy)}]"


class Site(TenantModel):
    """A web site with the pixel. The key in the snippet names tenant and site: it is public, not a secret."""

    name = models.CharField(max_length=120)
    key = models.CharField(max_length=40, db_collation="C")
    created_at = models.DateTimeField(default=timezone.now)
    last_hit_at = models.DateTimeField(null=True)
    dropped = models.JSONField(default=dict)  # reason → number of hits that were refused
    # Where its pages are: hosts, one a line, `*.` before one for all below it. Empty: hits from anywhere are taken.
    hosts = models.TextField(default="", db_default="", blank=True)
    # Whose phones are meant by numbers without a country; empty: the workspace's.
    country = models.CharField(max_length=2, default="", db_default="", blank=True)
    # Pages that are not counted (paths with *), and addresses of the workspace's own people; one a line.
    excluded_paths = models.TextField(default="", db_default="", blank=True)
    internal_addresses = models.TextField(default="", db_default="", blank=True)
    # What the snippet says: nothing before consent; e-mail addresses and phones of forms identify.
    consent_required = models.BooleanField(default=False, db_default=False)
    capture_forms = models.BooleanField(default=False, db_default=False)
    retention_days = models.IntegerField(null=True)  # of events and unclaimed visitors; null: for good
    # What the secret of its server is derived from (tracking.pixel.site_secrets), and that of the one before it.
    secret_salt = models.CharField(max_length=64, default="", db_default="", blank=True)
    former_salt = models.CharField(max_length=64, default="", db_default="", blank=True)
    secret_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        db_table = "site"
        constraints: ClassVar[list[Any]] = [models.UniqueConstraint(fields=["tenant_id", "key"], name="site_key")]

    def __str__(self) -> str:
        return self.name


class Visitor(TenantModel):
    """An anonymous browser, until it is claimed by a contact; a claimed visitor never changes hands.

    `device` is the pixel's first-party cookie. When somebody else identifies on the same device, a visitor with the
    next `generation` begins.
    """

    site_id = models.BigIntegerField()
    device = models.UUIDField()
    generation = models.IntegerField(default=0, db_default=0)
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()
    views = models.IntegerField(default=0, db_default=0)
    visits = models.IntegerField(default=1, db_default=1)
    # How far it came (tracking.funnel), for how long pages were seen, and in which hours of the workspace's day: a bit each.
    stage = models.SmallIntegerField(default=0, db_default=0)
    seconds = models.IntegerField(default=0, db_default=0)
    timed = models.BooleanField(default=False, db_default=False)  # reported by the pixel, not worked out between hits
    hours = models.IntegerField(default=0, db_default=0)
    contact_id = models.BigIntegerField(null=True)
    claimed_at = models.DateTimeField(null=True)
    # Why: MatchedBy, and where it met the contact: an import's row, or a page.
    matched_by = models.CharField(max_length=12, null=True)
    import_id = models.BigIntegerField(null=True)
    row_no = models.IntegerField(null=True)
    page = models.TextField(null=True)

    class Meta(TenantModel.Meta):
        db_table = "visitor"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant_id", "device", "generation"], name="visitor_device")
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(
                fields=["tenant_id", "contact_id"],
                name="visitor_contact",
                condition=models.Q(contact_id__isnull=False),
            ),
            models.Index(fields=["tenant_id", "last_seen", "id"], name="visitor_seen"),
            models.Index(
                fields=["tenant_id", "claimed_at"],
                name="visitor_claimed",
                condition=models.Q(claimed_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"Visitor {self.pk}"


class ContactVisit(TenantModel):
    """What the visitors of a contact add up to (tracking.contact_visits). Key: (tenant_id, contact_id)."""

    contact_id = models.BigIntegerField(primary_key=True)
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()
    views = models.IntegerField(default=0)
    visits = models.IntegerField(default=0)
    seconds = models.IntegerField(default=0)
    stage = models.SmallIntegerField(default=0)
    hours = models.IntegerField(default=0)
    visitors = models.IntegerField(default=0)
    site_ids = ArrayField(models.BigIntegerField(), default=list)
    matched_by = models.CharField(max_length=12, null=True)
    matched_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        db_table = "contact_visit"
        managed = False

    def __str__(self) -> str:
        return f"visits of contact {self.contact_id}"


class Page(TenantModel):
    """A page that some visitor has seen, by its address without scheme, query and fragment (tracking.pages)."""

    host = models.TextField(db_collation="C")
    path = models.TextField(db_collation="C")

    class Meta(TenantModel.Meta):
        db_table = "page"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant_id", "host", "path"], name="page_address")
        ]
        indexes: ClassVar[list[Any]] = [models.Index(fields=["tenant_id", "path"], name="page_path")]

    def __str__(self) -> str:
        return f"{self.host}{self.path}"


class PageVisitor(TenantModel):
    """That a visitor has seen a page. Key: (tenant_id, page_id, visitor_id)."""

    visitor_id = models.BigIntegerField(primary_key=True)
    page_id = models.BigIntegerField()

    class Meta(TenantModel.Meta):
        db_table = "page_visitor"
        managed = False

    def __str__(self) -> str:
        return f"page {self.page_id} of visitor {self.visitor_id}"


class VisitorIdentifier(TenantModel):
    """An identifier, in its normal form, that a visitor has used. Key: (tenant_id, kind, value, visitor_id)."""

    visitor_id = models.BigIntegerField(primary_key=True)
    kind = models.CharField(max_length=12)
    value = models.TextField()
    seen_at = models.DateTimeField()
    page = models.TextField(null=True)
    # When it was stored, by the database's clock: a hit may come long after what it tells of.
    added_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta(TenantModel.Meta):
        db_table = "visitor_identifier"
        managed = False

    def __str__(self) -> str:
        return self.kind


class Quarantine(TenantModel):
    """An identifier, in its normal form, that is seen too widely to be one person's (tracking.quarantine)."""

    kind = models.CharField(max_length=12)
    value = models.TextField(db_collation="C")
    devices = models.IntegerField()  # within a day, when it was put here
    others = models.IntegerField()  # other identifiers of one kind
    at = models.DateTimeField()
    released_at = models.DateTimeField(null=True)
    released_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, related_name="+")

    class Meta(TenantModel.Meta):
        db_table = "quarantine"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant_id", "kind", "value"], name="quarantine_once")
        ]

    def __str__(self) -> str:
        return f"{self.kind} seen on {self.devices} devices"


class VisitorRefusal(TenantModel):
    """What a member has said of a visitor: this identifier of it does not make it this contact (tracking.claims).

    Key: (tenant_id, visitor_id, contact_id, kind, value). Each release has one row without an identifier; `was` in it is the
    claim that was released.
    """

    visitor_id = models.BigIntegerField(primary_key=True)
    contact_id = models.BigIntegerField()
    kind = models.CharField(max_length=12)
    value = models.TextField()
    refused_at = models.DateTimeField()
    refused_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, related_name="+")
    was = models.JSONField(default=dict)

    class Meta(TenantModel.Meta):
        db_table = "visitor_refusal"
        managed = False

    def __str__(self) -> str:
        return f"visitor {self.visitor_id} is not contact {self.contact_id}"


class Event(TenantModel):
    """Something a visitor or a contact did. Monthly partitions; key (tenant_id, at, id).

    What the pixel saw has a visitor and a site; an imported event has a contact, and the row that it came from.
    """

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    visitor_id = models.BigIntegerField(null=True)
    site_id = models.BigIntegerField(null=True)
    contact_id = models.BigIntegerField(null=True)
    import_id = models.BigIntegerField(null=True)
    row_no = models.IntegerField(null=True)
    kind = models.CharField(max_length=12)
    name = models.TextField(null=True)
    url = models.TextField(null=True)
    title = models.TextField(null=True)
    properties = JSONField(default=dict)

    class Meta(TenantModel.Meta):
        db_table = "event"
        managed = False

    def __str__(self) -> str:
        return self.kind

    @property
    def is_claim(self) -> bool:
        """Whether only a browser says so: it comes from a site, whose server has not signed it."""
        return self.site_id is not None and not self.properties.get("$signed")


class EventKey(TenantModel):
    """What makes an imported event the same event when it comes again. Key: (tenant_id, key)."""

    key = models.TextField(primary_key=True)
    import_id = models.BigIntegerField()

    class Meta(TenantModel.Meta):
        db_table = "event_key"
        managed = False

    def __str__(self) -> str:
        return self.key


class SourceName(TenantModel):
    """A name by which imports say where data came from: an endpoint, a touchpoint, or a source action.

    Events carry the name itself, so that renaming or archiving one changes no history. An endpoint may have the
    touchpoint that is meant when nothing else is said.
    """

    class Kind(models.TextChoices):
        ENDPOINT = "endpoint", "API endpoint"
        TOUCHPOINT = "touchpoint", "Touchpoint"
        ACTION = "action", "Source action"

    kind = models.CharField(max_length=12, choices=Kind)
    name = models.CharField(max_length=120)
    touchpoint = models.CharField(max_length=120, blank=True, db_default="")
    created_at = models.DateTimeField(default=timezone.now)
    archived_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        db_table = "source_name"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant_id", "kind", "name"], name="source_name_once")
        ]

    def __str__(self) -> str:
        return self.name


class InboxPosition(TenantModel):
    """The last entry of the inbox whose hits are stored, written in the transaction that stores them."""

    last_id = models.CharField(max_length=40)

    class Meta(TenantModel.Meta):
        db_table = "inbox_position"
        constraints: ClassVar[list[Any]] = [models.UniqueConstraint(fields=["tenant_id"], name="inbox_once")]

    def __str__(self) -> str:
        return self.last_id


class HitId(TenantModel):
    """The ID of a stored hit, for some days: a hit that comes again is not stored again. Key: (tenant_id, hit)."""

    hit = models.UUIDField(primary_key=True)
    at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        db_table = "hit_id"
        managed = False

    def __str__(self) -> str:
        return str(self.hit)


class MailHook(TenantModel):
    """An address to which an e-mail provider posts what became of messages. The key is its secret."""

    provider = models.CharField(max_length=20)
    key = models.CharField(max_length=60, db_collation="C")
    told = models.BigIntegerField(default=0)  # events of contacts
    # Where a person confirms that the provider may post here (Amazon asks for it), until it posts.
    confirm_url = models.TextField(default="", db_default="")
    last_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    archived_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        db_table = "mail_hook"
        constraints: ClassVar[list[Any]] = [models.UniqueConstraint(fields=["tenant_id", "key"], name="mail_hook_key")]

    def __str__(self) -> str:
        return self.provider

    def archive(self) -> None:
        """Close the address."""
        self.archived_at = timezone.now()
        self.save(update_fields=["archived_at"])
