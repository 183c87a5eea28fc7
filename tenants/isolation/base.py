"""What every model of tenant data is made of."""

from typing import Any, TypeVar

from django.db import models
from django.db.models.expressions import Func

from tenants.isolation.context import current_tenant

M = TypeVar("M", bound=models.Model)


class CurrentTenant(Func):
    """The setting `app.tenant_id` as a column default, so that inserts by the ORM never name the tenant."""

    template = "nullif(current_setting('app.tenant_id', true), '')::bigint"
    output_field = models.BigIntegerField()

    def as_sql(self, *_args: Any, **_kwargs: Any) -> tuple[str, tuple[str | int, ...]]:
        return self.template, ()

    def deconstruct(self) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
        return "tenants.isolation.base.CurrentTenant", (), {}


class TenantManager(models.Manager[M]):
    """Raises NoTenant outside of a context, and gives the planner the literal tenant inside of one."""

    def get_queryset(self) -> models.QuerySet[M]:
        return super().get_queryset().filter(tenant_id=current_tenant())


class TenantModel(models.Model):
    """A row that belongs to one tenant. Its table must be given to `isolation.rls.Protect` in the app's migration."""

    tenant_id = models.BigIntegerField(editable=False, db_default=CurrentTenant())

    objects: models.Manager[Any] = TenantManager()

    class Meta:
        abstract = True
        base_manager_name = "objects"
