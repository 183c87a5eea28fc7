"""When contacts changed, in order: what a list by change and a watermark read."""

from django.db import models

from tenants.isolation.base import TenantModel


class Change(TenantModel):
    """One entry for each time that a contact was made or changed. Key: (tenant_id, at, contact_id).

    An index on `Contact.changed_at` would make every update rewrite all indexes of the contact; this table is only ever
    added to. An entry whose `at` is not the contact's `changed_at` is out of date: a later one replaces it.
    """

    contact_id = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        db_table = "contact_change"
        managed = False

    def __str__(self) -> str:
        return f"{self.contact_id} at {self.at}"


class SilentChange(TenantModel):
    """That a contact changed although its `changed_at` does not say so: an undo gives it the time of before. Key:
    (tenant_id, at, contact_id). Who looks for contacts that changed since a moment reads this beside `Change`."""

    contact_id = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        db_table = "contact_news"
        managed = False

    def __str__(self) -> str:
        return f"{self.contact_id} at {self.at}"
