"""Rows that the undo of an import has deleted, archived so that the undo can be redone."""

from django.db import models

from core.exact_json import JSONField
from tenants.isolation.base import TenantModel


class UndoArchive(TenantModel):
    """A row as it was when an undo took it out. Key: (tenant_id, import_id, kind, item, part).

    `kind` names the table it belongs to, `item` and `part` its key there. Kept for 30 days, then removed for good.
    """

    import_id = models.BigIntegerField(primary_key=True)
    kind = models.CharField(max_length=12)
    item = models.BigIntegerField()
    part = models.BigIntegerField()
    data = JSONField()

    class Meta(TenantModel.Meta):
        db_table = "withdrawn"
        managed = False

    def __str__(self) -> str:
        return f"{self.kind} {self.item} of import {self.import_id}"
