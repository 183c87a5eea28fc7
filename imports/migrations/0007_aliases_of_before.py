"""Identifiers that imports and edits have replaced so far become aliases, as they do from now on (identity, rule 2)."""

from typing import Any

from django.db import migrations

FROM_IMPORTS = """
INSERT INTO alias (tenant_id, id, kind, value, contact_id, added_at)
SELECT %(tenant)s, nextval('alias_id_seq'), f.kind, f.value, f.contact_id, f.at FROM (
  SELECT k.kind, t.changed -> k.kind ->> 0 AS value, t.contact_id, min(t.at) AS at
  FROM touched t CROSS JOIN (VALUES ('email'), ('phone')) k(kind)
  WHERE t.tenant_id = %(tenant)s AND t.outcome = 'u' AND t.undone IS NULL AND jsonb_typeof(t.changed) = 'object'
    AND t.changed -> k.kind ->> 0 IS NOT NULL
  GROUP BY 1, 2, 3) f
JOIN contact c ON c.tenant_id = %(tenant)s AND c.id = f.contact_id
WHERE f.value IS DISTINCT FROM CASE f.kind WHEN 'email' THEN c.email ELSE c.phone END
ON CONFLICT DO NOTHING"""
FROM_EDITS = """
INSERT INTO alias (tenant_id, id, kind, value, contact_id, added_at)
SELECT %(tenant)s, nextval('alias_id_seq'), f.kind, f.value, f.contact_id, f.at FROM (
  SELECT k.kind, a.detail -> 'values' -> k.kind -> 0 ->> 0 AS value, (a.detail ->> 'contact')::bigint AS contact_id,
         min(a.at) AS at
  FROM audit_entry a CROSS JOIN (VALUES ('external_id'), ('email'), ('phone')) k(kind)
  WHERE a.tenant_id = %(tenant)s AND a.verb = 'contact.edited'
    AND jsonb_typeof(a.detail -> 'values' -> k.kind -> 0) = 'array'
    AND a.detail -> 'values' -> k.kind -> 0 ->> 0 IS NOT NULL
  GROUP BY 1, 2, 3) f
JOIN contact c ON c.tenant_id = %(tenant)s AND c.id = f.contact_id
WHERE f.value IS DISTINCT FROM CASE f.kind WHEN 'email' THEN c.email WHEN 'phone' THEN c.phone ELSE c.external_id END
ON CONFLICT DO NOTHING"""


def remember(_apps: Any, schema_editor: Any) -> None:
    """Tenant by tenant: the owner of the tables is bound by their policies, too."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT id FROM tenant ORDER BY id")
        tenants = [row[0] for row in cursor.fetchall()]
        for tenant in tenants:
            cursor.execute("SELECT set_config('app.tenant_id', %s, true)", [str(tenant)])
            for statement in (FROM_IMPORTS, FROM_EDITS):
                cursor.execute(statement, {"tenant": tenant})
        cursor.execute("SELECT set_config('app.tenant_id', '', true)")


class Migration(migrations.Migration):
    dependencies = [("imports", "0006_listing"), ("contacts", "0013_aliases"), ("tenants", "0007_erase_searches")]

    operations = [migrations.RunPython(remember, migrations.RunPython.noop)]
