"""What is stored already takes the forms of today: phones of Argentina and Mexico, and composed texts (contacts/values/phones.py,
contacts/values/texts.py)."""

from typing import Any

from django.db import migrations

from contacts.values.phones import normal_phone

_OLD = "({0} LIKE '+54%%' AND {0} NOT LIKE '+549%%' OR {0} LIKE '+521%%')"
# Where phones are: each statement reads those that may be in an old form, or writes the new ones over them.
FOUND = f"""
SELECT c.phone FROM contact c WHERE c.tenant_id = %(tenant)s AND {_OLD.format("c.phone")}
UNION SELECT a.value FROM alias a WHERE a.tenant_id = %(tenant)s AND a.kind = 'phone' AND {_OLD.format("a.value")}
UNION SELECT b.value FROM blacklist_entry b
  WHERE b.tenant_id = %(tenant)s AND b.kind = 'phone' AND {_OLD.format("b.value")}
UNION SELECT v.value FROM visitor_identifier v
  WHERE v.tenant_id = %(tenant)s AND v.kind = 'phone' AND {_OLD.format("v.value")}"""
_NEW = "FROM unnest(%(old)s::text[], %(new)s::text[]) m(old, new)"
WRITTEN = (
    f"""UPDATE contact c SET phone = m.new, phone_written = coalesce(c.phone_written, m.old) {_NEW}
WHERE c.tenant_id = %(tenant)s AND c.phone = m.old""",
    f"""INSERT INTO alias SELECT (jsonb_populate_record(a, jsonb_build_object('value', m.new,
  'id', nextval('alias_id_seq')))).* {_NEW}
JOIN alias a ON a.tenant_id = %(tenant)s AND a.kind = 'phone' AND a.value = m.old ON CONFLICT DO NOTHING""",
    f"DELETE FROM alias a USING (SELECT m.old {_NEW}) m WHERE a.tenant_id = %(tenant)s AND a.kind = 'phone' AND a.value = m.old",
    f"""INSERT INTO blacklist_entry SELECT (jsonb_populate_record(b, jsonb_build_object('value', m.new,
  'id', nextval('blacklist_entry_id_seq')))).* {_NEW}
JOIN blacklist_entry b ON b.tenant_id = %(tenant)s AND b.kind = 'phone' AND b.value = m.old ON CONFLICT DO NOTHING""",
    f"""DELETE FROM blacklist_entry b USING (SELECT m.old {_NEW}) m
WHERE b.tenant_id = %(tenant)s AND b.kind = 'phone' AND b.value = m.old""",
    f"""INSERT INTO visitor_identifier SELECT (jsonb_populate_record(v, jsonb_build_object('value', m.new))).* {_NEW}
JOIN visitor_identifier v ON v.tenant_id = %(tenant)s AND v.kind = 'phone' AND v.value = m.old ON CONFLICT DO NOTHING""",
    f"""DELETE FROM visitor_identifier v USING (SELECT m.old {_NEW}) m
WHERE v.tenant_id = %(tenant)s AND v.kind = 'phone' AND v.value = m.old""",
)
COMPOSED = """
UPDATE contact c SET first_name = normalize(c.first_name, NFC), last_name = normalize(c.last_name, NFC),
  attributes = normalize(c.attributes::text, NFC)::jsonb
WHERE c.tenant_id = %(tenant)s AND (c.first_name IS NOT NFC NORMALIZED OR c.last_name IS NOT NFC NORMALIZED
  OR c.attributes::text IS NOT NFC NORMALIZED)"""


def renew(cursor: Any, tenant: int) -> None:
    """Bring the values of one tenant into their forms; its context is open."""
    cursor.execute(FOUND, {"tenant": tenant})
    forms = {old: new for (old,) in cursor.fetchall() if (new := normal_phone(old, None)) and new != old}
    if forms:
        for statement in WRITTEN:
            cursor.execute(statement, {"tenant": tenant, "old": list(forms), "new": list(forms.values())})
    cursor.execute(COMPOSED, {"tenant": tenant})


def renew_all(_apps: Any, schema_editor: Any) -> None:
    """Tenant by tenant: the owner of the tables is bound by their policies, too."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT id FROM tenant ORDER BY id")
        for (tenant,) in cursor.fetchall():
            cursor.execute("SELECT set_config('app.tenant_id', %s, true)", [str(tenant)])
            renew(cursor, tenant)
        cursor.execute("SELECT set_config('app.tenant_id', '', true)")


class Migration(migrations.Migration):
    dependencies = [
        ("imports", "0008_looks"),
        ("contacts", "0014_phones"),
        ("tracking", "0004_mail_hook"),
    ]

    operations = [migrations.RunPython(renew_all, migrations.RunPython.noop)]
