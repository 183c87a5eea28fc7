"""The write lock of a workspace, and digests of erased people."""

from typing import Any, ClassVar

from django.db import models

from tenants.isolation.base import TenantModel


class WriteLock(TenantModel):
    """One row a tenant: the identity lock (a locked row is seen from every node of a cluster, an advisory lock is not).

    `version` counts the occasions on which contacts were written: a plan made at another version is out of date.
    `holder` is the import that is writing now; nobody else writes contacts of the tenant meanwhile.
    """

    version = models.BigIntegerField(default=0, db_default=0)
    holder = models.BigIntegerField(null=True)

    class Meta(TenantModel.Meta):
        db_table = "turn"
        constraints: ClassVar[list[Any]] = [models.UniqueConstraint(fields=["tenant_id"], name="turn_once")]

    def __str__(self) -> str:
        return f"version {self.version}, held by {self.holder}"


class Suppression(TenantModel):
    """Keyed hash of an identifier of a person erased for good: no import adds them again."""

    kind = models.CharField(max_length=12)
    digest = models.CharField(max_length=64, db_collation="C")

    class Meta(TenantModel.Meta):
        db_table = "suppression"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant_id", "kind", "digest"], name="suppression_once")
        ]

    def __str__(self) -> str:
        return self.kind
