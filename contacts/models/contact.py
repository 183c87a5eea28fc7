"""The contact: a person we know."""

from typing import Any, ClassVar

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.utils import timezone

from contacts.values.phones import spoken
from core.exact_json import JSONField
from tenants.isolation.base import TenantManager, TenantModel


class EmailStatus(models.TextChoices):
    """State of the e-mail channel, the strictest last. An import moves a contact up this list only with `consent=file`."""

    ACTIVE = "active", "Active"
    NOT_CONFIRMED = "not_confirmed", "Not confirmed"
    BLACKLISTED = "blacklisted", "Blacklisted"
    UNSUBSCRIBED = "unsubscribed", "Unsubscribed"
    SPAM = "spam", "Spam report"


class PhoneStatus(models.TextChoices):
    ACTIVE = "active", "Active"
    BLACKLISTED = "blacklisted", "Blacklisted"


class StatusReason(models.TextChoices):
    """Why a channel has its status, where the product itself says so; else the reason is free text.

    The values are codes: stored in contacts, in their history and in plans of imports, and looked up when something is
    undone. They never change, however they read. The labels are what pages show, and may change.
    """

    IMPORT = "import", "set by an import"
    API = "api", "set by the API"
    MANUAL = "set by hand", "set manually"
    BLACKLIST = "on the blacklist", "on the blacklist"
    BLACKLIST_NOT_CONFIRMED = "on the blacklist, not confirmed before", "on the blacklist, previously not confirmed"
    ADDRESS = "known for this address", "another contact with this address has this status"

    @classmethod
    def text_of(cls, stored: str | None) -> str | None:
        """A stored reason as pages show it."""
        return str(cls(stored).label) if stored in cls.values else stored


# Why a person may take a contact out; the first is what is chosen unless somebody says otherwise.
DELETION_REASONS = ("Asked to be deleted", "Duplicate", "Wrong or invalid data", "No longer a customer", "Other")


class Origin(models.TextChoices):
    """How a contact came to be."""

    IMPORT = "import", "Import"
    MANUAL = "manual", "Manual"
    FORM = "form", "Form"
    ORDER = "order", "Order"
    API = "api", "API"
    EVENT = "event", "Event"


class ContactQuerySet(models.QuerySet["Contact"]):
    def living(self) -> "ContactQuerySet":
        """Contacts that have not been deleted."""
        return self.filter(deleted_at=None)


class Contact(TenantModel):
    """A person. Identifiers are stored in their normal form for matching, beside the form as written (NULL when equal).

    What is not known is NULL, never an empty text: `coalesce` and the partial indexes rely on it. E-mail and phone are
    not unique; the duplicates page shows contacts that share one. Written by imports (`contacts.identity`), people
    (`contacts.profile`, `contacts.bulk`, `contacts.duplicates`), signup forms and webhooks; each holds
    `contacts.write_lock`.
    """

    external_id = models.CharField(max_length=128, null=True, db_collation="C")
    email = models.CharField(max_length=254, null=True, db_collation="C")
    # Behind the @: people are searched by it. Written by the database.
    email_domain = models.GeneratedField(
        expression=models.Func(models.F("email"), models.Value("@"), models.Value(2), function="split_part"),
        output_field=models.CharField(max_length=254, null=True, db_collation="C"),
        db_persist=True,
    )
    email_written = models.CharField(max_length=320, null=True)
    phone = models.CharField(max_length=40, null=True, db_collation="C")
    phone_written = models.CharField(max_length=64, null=True)
    first_name = models.TextField(null=True)
    last_name = models.TextField(null=True)
    # Search forms of the names: without accents and capitals.
    first_key = models.TextField(null=True, db_collation="C")
    last_key = models.TextField(null=True, db_collation="C")
    attributes = JSONField(default=dict, db_default={})
    # The standard field: lists ask for it behind a policy, where no JSON operator finds rows. Written by the database.
    country = models.GeneratedField(
        expression=models.Func(models.F("attributes"), models.Value("country"), function="jsonb_object_field_text"),
        output_field=models.TextField(null=True, db_collation="C"),
        db_persist=True,
    )
    email_status = models.CharField(max_length=14, choices=EmailStatus, default="active", db_default="active")
    email_status_at = models.DateTimeField(null=True)
    email_status_reason = models.TextField(null=True)
    phone_status = models.CharField(max_length=14, choices=PhoneStatus, default="active", db_default="active")
    phone_status_at = models.DateTimeField(null=True)
    phone_status_reason = models.TextField(null=True)
    # How they take e-mails, 1 to 5, by the last 60 days (tracking.email.rating); NULL: nothing was delivered.
    rating = models.SmallIntegerField(null=True)
    origin = models.CharField(max_length=8, choices=Origin)
    created_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)
    deleted_at = models.DateTimeField(null=True)
    deleted_reason = models.TextField(null=True)
    # The contact that this one turned out to be (contacts.duplicates.merge); it is deleted then, and leads there.
    merged_into = models.BigIntegerField(null=True)

    objects: Any = TenantManager.from_queryset(ContactQuerySet)()

    class Meta(TenantModel.Meta):
        db_table = "contact"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["tenant_id", "external_id"],
                name="contact_external_id",
                condition=Q(external_id__isnull=False, deleted_at=None),
            ),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["tenant_id", "email"], name="contact_email", condition=Q(email__isnull=False)),
            models.Index(
                fields=["tenant_id", "email_domain"], name="contact_domain", condition=Q(email_domain__isnull=False)
            ),
            models.Index(fields=["tenant_id", "phone"], name="contact_phone", condition=Q(phone__isnull=False)),
            models.Index(
                fields=["tenant_id", "first_key"], name="contact_first_name", condition=Q(first_key__isnull=False)
            ),
            models.Index(
                fields=["tenant_id", "last_key"], name="contact_last_name", condition=Q(last_key__isnull=False)
            ),
            models.Index(
                fields=["tenant_id", "country", "id"], name="contact_country", condition=Q(country__isnull=False)
            ),
            models.Index(
                fields=["tenant_id", "deleted_at"], name="contact_deleted", condition=Q(deleted_at__isnull=False)
            ),
            models.Index(
                fields=["tenant_id", "merged_into"], name="contact_merged", condition=Q(merged_into__isnull=False)
            ),
            # Living contacts without a look at them: rules about activity and segments count who of some is one.
            models.Index(fields=["tenant_id", "id"], name="contact_living", condition=Q(deleted_at__isnull=True)),
            models.Index(
                fields=["tenant_id", "rating", "id"], name="contact_rating", condition=Q(rating__isnull=False)
            ),
            # Few contacts have such a status, and the lists look for them by it.
            models.Index(
                fields=["tenant_id", "email_status", "id"],
                name="contact_email_status",
                condition=~Q(email_status="active"),
            ),
            models.Index(
                fields=["tenant_id", "phone_status", "id"],
                name="contact_phone_status",
                condition=~Q(phone_status="active"),
            ),
            # A block-range index is the only kind that an update of `changed_at` need not touch (HOT updates go on).
            BrinIndex(fields=["changed_at"], name="contact_changed", pages_per_range=32),
        ]

    def __str__(self) -> str:
        return self.display_name

    @property
    def display_name(self) -> str:
        """Name as people write it, or the best identifier when there is none."""
        name = " ".join(part for part in (self.first_name, self.last_name) if part)
        return name or self.email or self.phone_display or self.external_id or f"Contact {self.pk}"

    @property
    def initials(self) -> str:
        words = self.display_name.split()[:2]
        return "".join(word[0] for word in words).upper()

    @property
    def email_display(self) -> str:
        return self.email_written or self.email or ""

    @property
    def phone_display(self) -> str:
        """As it was written, or in the normal form with its extension in words."""
        return self.phone_written or spoken(self.phone or "")
