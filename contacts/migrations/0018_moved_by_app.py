"""What a merge has moved is kept by the name of the app, no longer by that of a module, which may get another one."""

from typing import Any, ClassVar

from django.db import migrations

RENAME = """
UPDATE merge m SET moved = (
  SELECT jsonb_object_agg(CASE WHEN p.key LIKE '%%.holding' THEN split_part(p.key, '.', 1) ELSE p.key END, p.value)
  FROM jsonb_each(m.moved) p)
WHERE m.tenant_id = %(tenant)s AND m.moved::text LIKE '%%.holding%%'"""


def rename(_apps: Any, schema_editor: Any) -> None:
    """Tenant by tenant: the owner of the tables is bound by their policies, too."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT id FROM tenant ORDER BY id")
        for (tenant,) in cursor.fetchall():
            cursor.execute("SELECT set_config('app.tenant_id', %s, true)", [str(tenant)])
            cursor.execute(RENAME, {"tenant": tenant})
        cursor.execute("SELECT set_config('app.tenant_id', '', true)")


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [("contacts", "0017_names_of_models")]

    operations: ClassVar[list[Any]] = [migrations.RunPython(rename, migrations.RunPython.noop)]
