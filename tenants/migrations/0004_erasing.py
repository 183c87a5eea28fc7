from django.conf import settings
from django.db import migrations

# The only way in which an entry of the audit log changes: a person is erased for good. Runs with the rights of the owner,
# under the policy of the tenant like everything else.
ERASE = """
CREATE FUNCTION erase_from_audit(ids bigint[], identifiers text[]) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
  WITH erased AS (
    UPDATE public.audit_entry a SET detail = '{"erased": true}'
    WHERE a.tenant_id = nullif(current_setting('app.tenant_id', true), '')::bigint
      AND ((a.detail -> 'contact') IN (SELECT to_jsonb(i) FROM unnest(ids) i)
        OR EXISTS (SELECT 1 FROM unnest(identifiers) v WHERE strpos(lower(a.detail::text), lower(v)) > 0))
    RETURNING 1)
  SELECT count(*) FROM erased
$$"""


class Migration(migrations.Migration):
    dependencies = [("tenants", "0003_import_rules")]

    operations = [
        migrations.RunSQL(ERASE, "DROP FUNCTION erase_from_audit(bigint[], text[])"),
        migrations.RunSQL(
            "REVOKE ALL ON FUNCTION erase_from_audit(bigint[], text[]) FROM PUBLIC; "
            f"GRANT EXECUTE ON FUNCTION erase_from_audit(bigint[], text[]) TO {settings.APP_ROLE}",
            migrations.RunSQL.noop,
        ),
    ]
