"""Contacts that are probably one person: what a search has found, and what people have said to it."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from tenants.isolation.base import TenantModel


class SearchState(models.TextChoices):
    """The state of a search. KEYS updates the table of keys, COMPARING does the rest."""

    KEYS = "keys", "Reading contacts"
    COMPARING = "comparing", "Comparing"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"


class ProbableSearch(TenantModel):
    """One search through all contacts of the workspace. `model`: the weights that it has learnt, for single contacts."""

    state = models.CharField(max_length=10, choices=SearchState, default=SearchState.KEYS)
    contacts = models.BigIntegerField(default=0)
    compared = models.BigIntegerField(default=0)
    found = models.BigIntegerField(default=0)
    cursor = models.BigIntegerField(default=0)
    attempts = models.IntegerField(default=0)
    model = models.JSONField(default=dict)
    error = models.TextField(blank=True)
    # Contacts that changed before have their keys already; NULL: none has.
    since = models.DateTimeField(null=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        db_table = "probable_search"

    ACTIVE = (SearchState.KEYS, SearchState.COMPARING)

    def __str__(self) -> str:
        return f"search of {self.created_at}"

    @property
    def active(self) -> bool:
        return self.state in self.ACTIVE


class Decision(models.TextChoices):
    OPEN = "", "To decide"
    NOT_SAME = "not_same", "Not the same person"
    LATER = "later", "Postponed"


class ProbablePair(TenantModel):
    """Two contacts of one group. Key: (tenant_id, low_id, high_id).

    `strength`: the bits of the strongest pair of the group, by which groups are listed; `head` marks one pair of each
    group. `detail`: what speaks for and against (contacts.linkage.explanations). `print` says what the two looked like, so
    that a decision counts until one of them changes.
    """

    low_id = models.BigIntegerField(primary_key=True)
    high_id = models.BigIntegerField()
    group_id = models.BigIntegerField()
    strength = models.FloatField()
    bits = models.FloatField()
    head = models.BooleanField(default=False)
    detail = models.JSONField(default=dict)
    print = models.CharField(max_length=32, db_collation="C")
    decision = models.CharField(max_length=8, choices=Decision, default="", db_default="")
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        db_table = "probable_pair"
        managed = False

    def __str__(self) -> str:
        return f"{self.low_id} and {self.high_id}"


class ProbableKey(TenantModel):
    """A key of a contact (contacts.linkage.blocking). Key: (tenant_id, key, contact_id)."""

    key = models.BigIntegerField(primary_key=True)
    contact_id = models.BigIntegerField()

    class Meta(TenantModel.Meta):
        db_table = "probable_key"
        managed = False

    def __str__(self) -> str:
        return f"key of contact {self.contact_id}"
