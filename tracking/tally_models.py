"""What the events of the sites add up to, by day of the workspace (tracking.tallies)."""

from typing import Any, ClassVar

from django.db import models

from tenants.isolation.base import TenantModel


class TallyState(TenantModel):
    """In which time zone the tallies of the workspace are; `stale`: they have to be made anew (tracking.tally_rebuild).

    While they are made anew, they have the days of visitors up to `visitors_to`, and orders from before `orders_before`;
    null is all of them.
    """

    zone = models.CharField(max_length=64)
    stale = models.BooleanField(default=False, db_default=False)
    settled_at = models.DateTimeField(null=True)
    rebuilding_since = models.DateTimeField(null=True)
    clearing = models.BooleanField(default=False, db_default=False)
    visitors_to = models.BigIntegerField(null=True)
    orders_before = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        db_table = "tally_state"
        constraints: ClassVar[list[Any]] = [models.UniqueConstraint(fields=["tenant_id"], name="tally_state_once")]

    def __str__(self) -> str:
        return f"tallies by days of {self.zone}"


class VisitorDay(TenantModel):
    """What a visitor did on a day, and what led to the first page of it. Key: (tenant_id, visitor_id, day)."""

    visitor_id = models.BigIntegerField(primary_key=True)
    day = models.DateField()
    site_id = models.BigIntegerField()
    views = models.IntegerField()
    orders = models.IntegerField()
    stage = models.SmallIntegerField()  # the furthest of the day (tracking.funnel)
    source = models.TextField()
    medium = models.TextField()
    campaign = models.TextField()

    class Meta(TenantModel.Meta):
        db_table = "visitor_day"
        managed = False

    def __str__(self) -> str:
        return f"visitor {self.visitor_id} on {self.day}"


class QueuedHour(TenantModel):
    """When a visitor did something that is not counted yet (tracking.tally_queue). Key: (tenant_id, id)."""

    visitor_id = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        db_table = "tally_queue"

    def __str__(self) -> str:
        return f"visitor {self.visitor_id} at {self.at}"


class Tally(TenantModel):
    """Figures that add up. Writers only ever add rows, so that none waits for another; those of a day that are alike become
    one, which is `settled`."""

    day = models.DateField()
    site_id = models.BigIntegerField(null=True)  # null: from no site
    settled = models.BooleanField(default=False, db_default=False)

    class Meta(TenantModel.Meta):
        abstract = True


class VisitTally(Tally):
    """Visitors of a day by what led them there, each counted once a day."""

    source = models.TextField(db_collation="C")
    medium = models.TextField(db_collation="C")
    campaign = models.TextField(db_collation="C")
    visitors = models.BigIntegerField()
    views = models.BigIntegerField()
    orders = models.BigIntegerField()

    class Meta(Tally.Meta):
        abstract = False
        db_table = "visit_tally"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["tenant_id", "day", "site_id", "source", "medium", "campaign"],
                condition=models.Q(settled=True), nulls_distinct=False, name="visit_tally_settled",
            )
        ]  # fmt: skip
        indexes: ClassVar[list[Any]] = [models.Index(fields=["tenant_id", "day"], name="visit_tally_day")]

    def __str__(self) -> str:
        return f"{self.visitors} visitors on {self.day}"


class StepTally(Tally):
    """Visitors who came as far as a step (tracking.funnel.Stage) on a day, by the day `before` on which they last did;
    null: never. In a span of days, those count once whose day before is not in it."""

    step = models.SmallIntegerField()
    before = models.DateField(null=True)
    visitors = models.BigIntegerField()

    class Meta(Tally.Meta):
        abstract = False
        db_table = "step_tally"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["tenant_id", "day", "site_id", "step", "before"],
                condition=models.Q(settled=True), nulls_distinct=False, name="step_tally_settled",
            )
        ]  # fmt: skip
        indexes: ClassVar[list[Any]] = [models.Index(fields=["tenant_id", "day"], name="step_tally_day")]

    def __str__(self) -> str:
        return f"{self.visitors} visitors at step {self.step} on {self.day}"


class OrderTally(Tally):
    """Orders of a day and their amounts, by currency ("" where none is said). `claimed`: only a browser says so."""

    currency = models.CharField(max_length=3, db_collation="C")
    claimed = models.BooleanField()
    orders = models.BigIntegerField()
    priced = models.BigIntegerField()  # those with an amount
    amount = models.DecimalField(max_digits=40, decimal_places=6)

    class Meta(Tally.Meta):
        abstract = False
        db_table = "order_tally"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["tenant_id", "day", "site_id", "currency", "claimed"],
                condition=models.Q(settled=True), nulls_distinct=False, name="order_tally_settled",
            )
        ]  # fmt: skip
        indexes: ClassVar[list[Any]] = [models.Index(fields=["tenant_id", "day"], name="order_tally_day")]

    def __str__(self) -> str:
        return f"{self.orders} orders on {self.day}"
