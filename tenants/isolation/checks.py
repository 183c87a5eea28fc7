"""Proof that tenants are kept apart: the role that serves, and every table in the catalogue."""

import logging
import re
import time
from typing import Any, NamedTuple

from django.conf import settings
from django.core.checks import Error, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, connection, connections

from tenants.isolation import replica
from tenants.isolation.rls import GLOBAL_TABLES, RARELY_REMOVED, READABLE_BY_MEMBERS

log = logging.getLogger(__name__)
# Schemas of ours: whatever is not PostgreSQL's own.
_OURS = "n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'"

# Lists of the tables of a cluster (docs/scale-out.md), which come with the extension and hold no rows of tenants.
_LISTS = """exists(select 1 from pg_depend d join pg_extension e on e.oid = d.refobjid and e.extname like 'citus%%'
                 where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')"""

# Role of this connection: superusers, owners of tables and BYPASSRLS roles see past every policy. It owns the tables that
# it makes for an import itself, in the schema staging: there the policies are forced.
ROLE = """
select r.rolsuper, r.rolbypassrls,
       exists(select 1 from pg_class c join pg_namespace n on n.oid = c.relnamespace
              where {ours} and n.nspname <> 'staging' and c.relkind in ('r', 'p') and c.relowner = r.oid)
from pg_roles r where r.rolname = current_user
""".replace("{ours}", _OURS)

# Every relation of every schema with what protects it, and what the application role may do to it, in whatever way it has
# the right: its own, of a role that it is in, of everybody, of an owner, or of a column.
TABLES = """
select n.nspname, c.relname, c.relkind::text, c.relispartition, c.relrowsecurity, c.relforcerowsecurity,
       exists(select 1 from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id'),
       exists(select 1 from pg_constraint k where k.conrelid = c.oid and k.contype = 'c' and k.convalidated
              and pg_get_constraintdef(k.oid) ~ '^CHECK \\(\\(tenant_id = ''?[0-9]+''?(::bigint)?\\)\\)$'),
       array(select case when p.polpermissive then '' else 'only ' end || p.polname || ' ' || p.polcmd::text || ' '
                    || coalesce(pg_get_expr(p.polqual, p.polrelid), '')
                    || ' / ' || coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '')
             from pg_policy p where p.polrelid = c.oid order by p.polname),
       array(select right_ from unnest(array['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']) right_
             where has_any_column_privilege(%(role)s, c.oid, right_)
             union all
             select right_ from unnest(array['DELETE', 'TRUNCATE', 'TRIGGER']) right_
             where has_table_privilege(%(role)s, c.oid, right_))
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where {ours} and has_schema_privilege(%(role)s, n.oid, 'USAGE') and c.relkind in ('r', 'p', 'v', 'm', 'f') and not {lists}
order by 1, 2
""".replace("{ours}", _OURS).replace("{lists}", _LISTS)

# Functions that run with the rights of their owner, each with the reason why that lets nobody see more.
FUNCTIONS = {
    "public.erase_from_audit": "takes an erased person out of the audit log of the open workspace; returns nothing"
}

# Schemas in which the application role may make something, and functions of ours that run as somebody else.
ROADS = """
select 'schema ' || n.nspname, 'the application role may make tables in it' from pg_namespace n
where {ours} and n.nspname <> 'staging' and has_schema_privilege(%(role)s, n.oid, 'CREATE')
union all
select 'function ' || n.nspname || '.' || f.proname, 'runs with the rights of its owner' from pg_proc f
join pg_namespace n on n.oid = f.pronamespace
where {ours} and f.prosecdef and has_function_privilege(%(role)s, f.oid, 'EXECUTE')
order by 1
""".replace("{ours}", _OURS)

# A policy as the catalogue prints it: name, command (* is all), USING / WITH CHECK.
# On a cluster it is without the sub-select, which nodes do not take: the same rows, the setting asked for more often.
_SET = r"\(NULLIF\(current_setting\('app\.tenant_id'::text, true\), ''::text\)\)::bigint"
_CONDITION = rf"\(tenant_id = (?:\( SELECT {_SET}[^)]*\)|{_SET})\)"
_WHOLE = re.compile(rf"tenant \* {_CONDITION} / {_CONDITION}")
# A person may read their own memberships from outside, to find their workspaces; nothing else.
_OWN = re.compile(r"readable r \(user_id = .*", re.DOTALL)
# And, of some tables, the rows of the workspaces that these memberships name.
_OF_OWN_WORKSPACES = re.compile(
    r"members r \(tenant_id = ANY \(ARRAY\( SELECT m\.tenant_id\s+FROM (?:public\.)?membership m\s+"
    r"WHERE \(m\.user_id = \( SELECT \(NULLIF\(current_setting\('app\.user_id'::text, true\), ''::text\)\)::bigint"
    r"[^()]*\)\)\)\)\) / "
)

# A policy that takes away from what others allow, for removing rows: of tables of RARELY_REMOVED.
_REMOVAL = re.compile(
    r"only removal d (?:\(\(at < \(now\(\) - '\d+ days'::interval\)\) OR )?"
    r"(?:\( SELECT \(w\.erasing_since IS NOT NULL\)[^;]*\)"
    r"|\(current_setting\('app\.being_erased'::text, true\) = 'on'::text\)+) / ",
    re.DOTALL,
)


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


def refuse_bypassing_role(*, patience: float = 20.0, pause: float = 0.5) -> None:
    """Raise ImproperlyConfigured when the connected role could read past the policies. Called by web, workers and drain.

    Waits up to `patience` seconds for a database that is away, then raises OperationalError: a web process that ended at
    once would be taken for one that cannot start, and the web server would end with it.
    """
    until = time.monotonic() + patience
    while True:
        try:
            problem = role_problem()
            break
        except OperationalError as away:
            connection.close_if_unusable_or_obsolete()
            if time.monotonic() >= until:
                raise
            log.warning("The database does not answer; trying again: %s", away)
            time.sleep(pause)
    if problem:
        raise ImproperlyConfigured(
            f"The database role of DATABASE_URL could see every workspace ({problem}). "
            f"Use the plain role {settings.APP_ROLE}; migrations run as the owner."
        )
    if replica.is_set() and connections[replica.ALIAS].settings_dict["USER"] != connection.settings_dict["USER"]:
        raise ImproperlyConfigured(
            "REPLICA_DATABASE_URL needs the same role as DATABASE_URL: it has the same policies."
        )


def findings() -> list[str]:
    """What is wrong in the catalogue, one sentence each; empty when every table is protected."""
    with connection.cursor() as cursor:
        cursor.execute(TABLES, {"role": settings.APP_ROLE})
        tables = [Table(*row) for row in cursor.fetchall()]
        cursor.execute(ROADS, {"role": settings.APP_ROLE})
        roads = cursor.fetchall()
    return [f"{table.title}: {problem}" for table in tables for problem in faults_of(table)] + [
        f"{what}: {problem}" for what, problem in roads if what.removeprefix("function ") not in FUNCTIONS
    ]


class Table(NamedTuple):
    """A row of TABLES."""

    schema: str
    name: str
    kind: str
    partition: bool
    enabled: bool
    forced: bool
    tenant: bool
    fixed: bool  # a constraint lets only rows of one tenant in
    policies: list[str]
    grants: list[str]

    @property
    def title(self) -> str:
        return self.name if self.schema == "public" else f"{self.schema}.{self.name}"


def faults_of(table: Table) -> list[str]:
    """What is wrong with one table."""
    grants = table.grants
    if not grants:
        return []
    if table.schema == "staging":
        # The application role makes these, and empties them. While a COPY fills one, nobody reads it.
        return [] if grants == ["INSERT"] and table.fixed and not table.partition else _unprotected(table)
    out = [f"the application role may {right}" for right in ("TRUNCATE", "TRIGGER", "REFERENCES") if right in grants]
    if table.schema == "public" and table.name in GLOBAL_TABLES:
        return out
    return [*out, *_unprotected(table)]


def _unprotected(table: Table) -> list[str]:
    if table.partition or table.kind in "vmf":
        return ["the application role may reach it past the policy of the table above"]
    if not table.tenant:
        return ["has grants but no tenant_id and no entry in GLOBAL_TABLES"]
    out = []
    if not (table.enabled and table.forced):
        out.append("row-level security is not enabled and forced")
    if not any(_WHOLE.fullmatch(text) for text in table.policies):
        out.append("has no policy for all commands with the tenant in USING and WITH CHECK")
    careful = table.schema == "public" and table.name in RARELY_REMOVED and "DELETE" in table.grants
    if careful and not any(_REMOVAL.fullmatch(text) for text in table.policies):
        out.append("the application role may remove any row")
    allowed = _readable(table)
    known = [_WHOLE, _REMOVAL, *([allowed] if allowed else [])]
    extra = [text for text in table.policies if not any(form.fullmatch(text) for form in known)]
    return [*out, *(f"has a further policy, which lets more through: {text}" for text in extra)]


def _readable(table: Table) -> re.Pattern[str] | None:
    """The one further policy for reads that a table may have; None for nearly all tables."""
    if table.schema != "public":
        return None
    if table.name == "membership":
        return _OWN
    return _OF_OWN_WORKSPACES if table.name in READABLE_BY_MEMBERS else None


@register(Tags.database)
def catalogue(**_kwargs: Any) -> list[Error]:
    """The audit as a system check: `manage.py check --database default`."""
    return [Error(text, id="tenants.E001") for text in findings()]
