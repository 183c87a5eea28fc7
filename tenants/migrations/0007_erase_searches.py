from django.conf import settings
from django.db import migrations

# As before, and besides: what a search was for, where it is the beginning of something that the person is called. Of such
# an entry only the search goes.
ERASE = """
CREATE FUNCTION erase_from_audit(ids bigint[], identifiers text[], called text[]) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
  WITH searched AS (
    UPDATE public.audit_entry a SET detail = a.detail || '{"asked": {"erased": true}}'
    WHERE a.tenant_id = nullif(current_setting('app.tenant_id', true), '')::bigint
      AND length(a.detail #>> '{asked,q}') > 2
      AND EXISTS (SELECT 1 FROM unnest(called) v WHERE starts_with(lower(v), lower(a.detail #>> '{asked,q}')))
      AND NOT EXISTS (SELECT 1 FROM unnest(identifiers) v WHERE strpos(lower(a.detail::text), lower(v)) > 0)
    RETURNING 1),
  erased AS (
    UPDATE public.audit_entry a SET detail = '{"erased": true}'
    WHERE a.tenant_id = nullif(current_setting('app.tenant_id', true), '')::bigint
      AND ((a.detail -> 'contact') IN (SELECT to_jsonb(i) FROM unnest(ids) i)
        OR EXISTS (SELECT 1 FROM unnest(identifiers) v WHERE strpos(lower(a.detail::text), lower(v)) > 0))
    RETURNING 1)
  SELECT (SELECT count(*) FROM searched) + (SELECT count(*) FROM erased)
$$"""


class Migration(migrations.Migration):
    dependencies = [("tenants", "0006_audit_of_object")]

    operations = [
        migrations.RunSQL("DROP FUNCTION erase_from_audit(bigint[], text[])", migrations.RunSQL.noop),
        migrations.RunSQL(ERASE, "DROP FUNCTION erase_from_audit(bigint[], text[], text[])"),
        migrations.RunSQL(
            "REVOKE ALL ON FUNCTION erase_from_audit(bigint[], text[], text[]) FROM PUBLIC; "
            f"GRANT EXECUTE ON FUNCTION erase_from_audit(bigint[], text[], text[]) TO {settings.APP_ROLE}",
            migrations.RunSQL.noop,
        ),
    ]
