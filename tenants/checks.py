"""Proof that tenants are kept apart: the role that serves, and every table in the catalogue."""

import re
from typing import Any

from django.conf import settings
from django.core.checks import Error, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from tenants.rls import GLOBAL_TABLES

# Role of this connection: superusers, owners of tables and BYPASSRLS roles see past every policy.
ROLE = """
select r.rolsuper, r.rolbypassrls,
       exists(select 1 from pg_class c join pg_namespace n on n.oid = c.relnamespace
              where n.nspname = 'public' and c.relkind in ('r', 'p') and c.relowner = r.oid)
from pg_roles r where r.rolname = current_user
"""

# Every relation in public with what protects it, and what the application role may do to it.
TABLES = """
select c.relname, c.relkind::text, c.relispartition, c.relrowsecurity, c.relforcerowsecurity,
       exists(select 1 from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id'),
       array(select p.polname || ' ' || p.polcmd::text || ' ' || coalesce(pg_get_expr(p.polqual, p.polrelid), '')
                    || ' / ' || coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '')
             from pg_policy p where p.polrelid = c.oid order by p.polname),
       array(select privilege_type::text from information_schema.role_table_grants g
             where g.table_schema = 'public' and g.table_name = c.relname and g.grantee = %(role)s)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'public' and c.relkind in ('r', 'p', 'v', 'm') order by 1
"""

# A policy as the catalogue prints it: name, command (* is all), USING / WITH CHECK.
_CONDITION = (
    r"\(tenant_id = \( SELECT \(NULLIF\(current_setting\('app\.tenant_id'::text, true\), ''::text\)\)::bigint[^)]*\)\)"
)
_WHOLE = re.compile(rf"tenant \* {_CONDITION} / {_CONDITION}")
# A person may read their own memberships from outside, to find their workspaces; nothing else.
_OWN = re.compile(r"readable r \(user_id = ")


def role_problem() -> str:
    """Why the connected role must not serve, or an empty text."""
    with connection.cursor() as cursor:
        cursor.execute(ROLE)
        superuser, bypass, owner = cursor.fetchone()
    if superuser:
        return "it is a superuser"
    if bypass:
        return "it has BYPASSRLS"
    return "it owns tables" if owner else ""


def refuse_bypassing_role() -> None:
    """Raise ImproperlyConfigured when the connected role could read past the policies. Called by web and workers."""
    problem = role_problem()
    if problem:
        raise ImproperlyConfigured(
            f"The database role of DATABASE_URL could see every workspace ({problem}). "
            f"Use the plain role {settings.APP_ROLE}; migrations run as the owner."
        )


def findings() -> list[str]:
    """What is wrong in the catalogue, one sentence each; empty when every table is protected."""
    with connection.cursor() as cursor:
        cursor.execute(TABLES, {"role": settings.APP_ROLE})
        rows = cursor.fetchall()
    return [f"{row[0]}: {problem}" for row in rows for problem in _judge(*row)]


def _judge(
    name: str,
    kind: str,
    partition: bool,
    enabled: bool,
    forced: bool,
    tenant: bool,
    policies: list[str],
    grants: list[str],
) -> list[str]:
    if not grants:
        return []
    out = [f"the application role may {right}" for right in ("TRUNCATE", "TRIGGER", "REFERENCES") if right in grants]
    if partition or kind in "vm":
        return [*out, "the application role may reach it past the policy of the table above"]
    if name in GLOBAL_TABLES:
        return out
    if not tenant:
        return [*out, "has grants but no tenant_id and no entry in GLOBAL_TABLES"]
    if not (enabled and forced):
        out.append("row-level security is not enabled and forced")
    if not any(_WHOLE.fullmatch(text) for text in policies):
        out.append("has no policy for all commands with the tenant in USING and WITH CHECK")
    extra = [
        text for text in policies if not _WHOLE.fullmatch(text) and not (name == "membership" and _OWN.match(text))
    ]
    return [*out, *(f"has a further policy, which lets more through: {text}" for text in extra)]


@register(Tags.database)
def catalogue(**_kwargs: Any) -> list[Error]:
    """The audit as a system check: `manage.py check --database default`."""
    return [Error(text, id="tenants.E001") for text in findings()]
