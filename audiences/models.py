"""A smart audience, and a lookalike with whom it has found."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from tenants.isolation.base import TenantModel


class Use(models.TextChoices):
    """What an audience is for; it decides which conditions are proposed."""

    GOOGLE = "google", "Google Ads"
    META = "meta", "Meta ads"
    EMAIL = "email", "E-mail"
    PHONE = "phone", "Phone calls"
    FILE = "file", "File"


class Audience(TenantModel):
    """Contacts of some lists, without those of others, who meet conditions. Its members are those of a dynamic segment that
    no list of segments shows: they follow changes as those of segments do."""

    name = models.CharField(max_length=120)
    description = models.CharField(max_length=300, blank=True, db_default="")
    use = models.CharField(max_length=8, choices=Use)
    # audiences.definition: {"include": [["source", 3], …], "exclude": [["segment", 7]], "conditions": ["email", …]}.
    definition = models.JSONField()
    segment_id = models.BigIntegerField()
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, related_name="+")
    changed_at = models.DateTimeField(default=timezone.now)
    archived_at = models.DateTimeField(null=True)
    # Of the form that was sent: a second click finds the audience of the first.
    token = models.CharField(max_length=32, null=True, db_collation="C")

    class Meta(TenantModel.Meta):
        db_table = "audience"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["tenant_id", "name"], condition=models.Q(archived_at=None), name="audience_name"
            ),
            models.UniqueConstraint(fields=["tenant_id", "token"], name="audience_token"),
        ]

    def __str__(self) -> str:
        return self.name


class LookalikeState(models.TextChoices):
    """Where a lookalike is on its way; a refresh goes through all of it again."""

    WAITING = "waiting", "Waiting"
    COUNTING = "counting", "Counting what people did"
    TRAINING = "training", "Learning"
    SCORING = "scoring", "Scoring contacts"
    READY = "ready", "Ready"
    REFUSED = "refused", "Too little signal"
    FAILED = "failed", "Failed"


class Lookalike(TenantModel):
    """Contacts that resemble those of a list, by a model of what they did and are."""

    SIZES = (3, 7, 10, 15, 20)  # percent of the rest

    name = models.CharField(max_length=120)
    # The list that is resembled (audiences.contact_lists), and the moment at which its people are looked at.
    seed_kind = models.CharField(max_length=12)
    seed_id = models.BigIntegerField()
    seed_moment = models.CharField(max_length=12, default="entered")
    size = models.IntegerField()
    random_seed = models.IntegerField(default=1)
    state = models.CharField(max_length=12, choices=LookalikeState, default=LookalikeState.WAITING)
    reason = models.CharField(max_length=300, blank=True, db_default="")  # why it was refused or failed, as a sentence
    attempts = models.IntegerField(default=0)
    cursor = models.BigIntegerField(default=0)  # of the step that is under way: the last contact that is done
    model = models.JSONField(default=dict, db_default={})  # weights, as audiences.lookalikes.model writes them
    report = models.JSONField(default=dict, db_default={})  # of the last training: lift, curve, what mattered
    judged = models.IntegerField(default=0)
    entered = models.IntegerField(default=0)  # by the last refresh
    departed = models.IntegerField(default=0)
    refreshed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, related_name="+")
    archived_at = models.DateTimeField(null=True)
    token = models.CharField(max_length=32, null=True, db_collation="C")

    class Meta(TenantModel.Meta):
        db_table = "lookalike"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["tenant_id", "name"], condition=models.Q(archived_at=None), name="lookalike_name"
            ),
            models.UniqueConstraint(fields=["tenant_id", "token"], name="lookalike_token"),
        ]

    ACTIVE = (LookalikeState.WAITING, LookalikeState.COUNTING, LookalikeState.TRAINING, LookalikeState.SCORING)

    def __str__(self) -> str:
        return self.name

    @property
    def active(self) -> bool:
        return self.state in self.ACTIVE


class LookalikeMember(TenantModel):
    """One of the 20 % of contacts that come closest. Key: (tenant_id, lookalike_id, contact_id)."""

    contact_id = models.BigIntegerField(primary_key=True)
    lookalike_id = models.BigIntegerField()
    place = models.IntegerField()  # within how many thousandths of the rest: from 1, the closest, to 200
    score = models.FloatField()  # the chance, from 0 to 1

    class Meta(TenantModel.Meta):
        db_table = "lookalike_member"
        managed = False

    def __str__(self) -> str:
        return f"contact {self.contact_id} of lookalike {self.lookalike_id}"


class LookalikeChange(TenantModel):
    """A contact that entered or left at a refresh. Key: (tenant_id, lookalike_id, at, contact_id)."""

    contact_id = models.BigIntegerField(primary_key=True)
    lookalike_id = models.BigIntegerField()
    at = models.DateTimeField()
    entered = models.BooleanField()

    class Meta(TenantModel.Meta):
        db_table = "lookalike_change"
        managed = False

    def __str__(self) -> str:
        return f"contact {self.contact_id} {'entered' if self.entered else 'left'} lookalike {self.lookalike_id}"


class LookalikeField(TenantModel):
    """A field of which the workspace has decided whether lookalikes may use it; of the others audiences.lookalikes.fields
    decides."""

    key = models.CharField(max_length=60, db_collation="C")
    allowed = models.BooleanField()

    class Meta(TenantModel.Meta):
        db_table = "lookalike_field"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant_id", "key"], name="lookalike_field_once")
        ]

    def __str__(self) -> str:
        return f"{self.key}: {'allowed' if self.allowed else 'forbidden'}"
