"""Row-level security as migration operations, and the rules that the catalogue audit holds tables against."""

from typing import Any

from django.conf import settings
from django.db.migrations.operations.base import Operation

SETTING = "nullif(current_setting('app.tenant_id', true), '')::bigint"
# A sub-select is worked out once a statement; the bare function would be called for each row.
POLICY = f"tenant_id = (SELECT {SETTING})"

# A person's own workspaces, by the setting `app.user_id` of `tenants.isolation.context.user_context`. An array: it is worked
# out at most once a statement, and never where the tenant's own condition is enough.
PERSON = "nullif(current_setting('app.user_id', true), '')::bigint"
_OWN = f"SELECT m.tenant_id FROM membership m WHERE m.user_id = (SELECT {PERSON})"  # noqa: S608  constants of ours
OF_OWN_WORKSPACES = f"tenant_id = ANY (ARRAY({_OWN}))"
# Tables whose rows a person may read over all of their workspaces at once, each with the reason. Nothing personal of
# contacts may be in them.
READABLE_BY_MEMBERS = {
    "import": "the operations page lists what runs in all workspaces of a person",
    "import_unit": "how far those imports are, and when something was done",
}

# Whether the workspace of the context is being erased (tenants.closing.erasure): worked out once a statement.
BEING_ERASED = f"(SELECT w.erasing_since IS NOT NULL FROM tenant w WHERE w.id = (SELECT {SETTING}))"  # noqa: S608  see above
# Tables from which the application role removes rows only then, and entries of the audit log that are old enough.
AUDIT_DAYS = 365
RARELY_REMOVED = {
    "audit_entry": f"at < now() - interval '{AUDIT_DAYS} days' OR {BEING_ERASED}",
    "api_token": BEING_ERASED,
    "connector": BEING_ERASED,
    "destination": BEING_ERASED,
    "identity_provider": BEING_ERASED,
}

# Tables without a tenant, each with the reason why the application role may touch it, and how.
GLOBAL_TABLES: dict[str, tuple[str, str]] = {
    "tenant": ("SELECT, INSERT, UPDATE", "the list of workspaces; holds no customer data"),
    "user": ("SELECT, INSERT, UPDATE", "a person may be a member of several workspaces"),
    "platform_block": ("SELECT, INSERT, DELETE", "addresses that no workspace writes to: keyed digests only"),
    "incident": ("SELECT, INSERT, UPDATE, DELETE", "what died and what took over: names of programs, ids only"),
    "sign_in_domain": ("SELECT, INSERT, UPDATE, DELETE", "the workspace that a domain of e-mail addresses signs in to"),
    "wake": ("SELECT, INSERT, UPDATE, DELETE", "which workspaces have work waiting: ids only"),
    "account_emailaddress": ("SELECT, INSERT, UPDATE, DELETE", "log-in addresses"),
    "account_emailconfirmation": ("SELECT, INSERT, UPDATE, DELETE", "log-in addresses"),
    "mfa_authenticator": ("SELECT, INSERT, UPDATE, DELETE", "second factors of accounts, secrets encrypted"),
    "usersessions_usersession": ("SELECT, INSERT, UPDATE, DELETE", "browsers in which accounts are signed in"),
    "django_session": ("SELECT, INSERT, UPDATE, DELETE", "sessions, keyed by a secret"),
    "django_content_type": ("SELECT", "names of models"),
    "django_migrations": ("SELECT", "which migrations have run"),
}


class Protect(Operation):
    """Put a table under its tenant: key (tenant_id, id), plain sequence, forced policy, narrow grants.

    `grants` is what the application role may do; `references` are composite foreign keys as (column, table) pairs;
    `also_readable` is a second condition under which rows may be read (never written). `own_key` says that the table
    was made by hand with a key of its own that begins with the tenant.
    """

    reversible = True

    def __init__(
        self,
        table: str,
        *,
        grants: str = "SELECT, INSERT, UPDATE, DELETE",
        references: tuple[tuple[str, str], ...] = (),
        fillfactor: int | None = None,
        also_readable: str = "",
        own_key: bool = False,
    ) -> None:
        self.table, self.grants, self.references = table, grants, tuple(tuple(r) for r in references)
        self.fillfactor, self.also_readable, self.own_key = fillfactor, also_readable, own_key

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return (
            "Protect",
            [self.table],
            {
                "grants": self.grants,
                "references": self.references,
                "fillfactor": self.fillfactor,
                "also_readable": self.also_readable,
                "own_key": self.own_key,
            },
        )

    def state_forwards(self, app_label: str, state: Any) -> None:
        """The models do not change: the key of the ORM stays `id`."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        for statement in self.statements():
            schema_editor.execute(statement)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        schema_editor.execute(f'DROP POLICY tenant ON "{self.table}"')

    def describe(self) -> str:
        return f"Protect {self.table}"

    def statements(self) -> list[str]:
        """One statement an element: several in one string do not travel to the nodes of a cluster."""
        t = f'"{self.table}"'
        out = [] if self.own_key else self._key()
        if self.fillfactor:
            out.append(f"ALTER TABLE {t} SET (fillfactor = {self.fillfactor})")
        for column, target in self.references:
            out.append(
                f'ALTER TABLE {t} ADD CONSTRAINT "{self.table}_{column}_fk" FOREIGN KEY (tenant_id, {column}) '
                f'REFERENCES "{target}" (tenant_id, id) ON DELETE CASCADE'
            )
        return [*out, *self.policies()]

    def _key(self) -> list[str]:
        t, role = f'"{self.table}"', settings.APP_ROLE
        return [
            # A sequence instead of an identity column: identity columns cannot be redistributed later.
            f"ALTER TABLE {t} ALTER COLUMN id DROP IDENTITY IF EXISTS",
            f'CREATE SEQUENCE IF NOT EXISTS "{self.table}_id_seq" OWNED BY {t}.id',
            f"ALTER TABLE {t} ALTER COLUMN id SET DEFAULT nextval('\"{self.table}_id_seq\"')",
            f'ALTER TABLE {t} DROP CONSTRAINT IF EXISTS "{self.table}_pkey"',
            f"ALTER TABLE {t} ADD PRIMARY KEY (tenant_id, id)",
            f'GRANT USAGE, SELECT ON SEQUENCE "{self.table}_id_seq" TO {role}',
        ]

    def policies(self) -> list[str]:
        t, role = f'"{self.table}"', settings.APP_ROLE
        out = [
            f"ALTER TABLE {t} ENABLE ROW LEVEL SECURITY",
            f"ALTER TABLE {t} FORCE ROW LEVEL SECURITY",
            f"CREATE POLICY tenant ON {t} USING ({POLICY}) WITH CHECK ({POLICY})",
            f"GRANT {self.grants} ON {t} TO {role}",
        ]
        if self.also_readable:
            out.append(f"CREATE POLICY readable ON {t} FOR SELECT USING ({self.also_readable})")
        return out


class LetMembersRead(Operation):
    """A further policy for reads: rows of all workspaces that the person of `user_context` is a member of.

    It adds nothing where no person is set, which is everywhere but inside of `user_context`. The audit
    (tenants.isolation.checks) accepts this policy, word by word, on tables of READABLE_BY_MEMBERS only.
    """

    reversible = True

    def __init__(self, table: str) -> None:
        self.table = table

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return "LetMembersRead", [self.table], {}

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Nothing changes in the models."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        schema_editor.execute(f'CREATE POLICY members ON "{self.table}" FOR SELECT USING ({OF_OWN_WORKSPACES})')

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        schema_editor.execute(f'DROP POLICY members ON "{self.table}"')

    def describe(self) -> str:
        return f"Let members read {self.table} of all their workspaces"


class RestrictRemoval(Operation):
    """Let the application role remove rows of a table of RARELY_REMOVED, and only those that its condition lets go.

    The policy is restrictive: it takes away from what the policy of the tenant allows and never adds to it.
    """

    reversible = True

    def __init__(self, table: str) -> None:
        self.table = table

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return "RestrictRemoval", [self.table], {}

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Nothing changes in the models."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        condition = RARELY_REMOVED[self.table]
        schema_editor.execute(f'CREATE POLICY removal ON "{self.table}" AS RESTRICTIVE FOR DELETE USING ({condition})')
        schema_editor.execute(f'GRANT DELETE ON "{self.table}" TO {settings.APP_ROLE}')

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        schema_editor.execute(f'REVOKE DELETE ON "{self.table}" FROM {settings.APP_ROLE}')
        schema_editor.execute(f'DROP POLICY removal ON "{self.table}"')

    def describe(self) -> str:
        return f"Restrict the removal of rows of {self.table}"


class GrantGlobal(Operation):
    """Grant the application role what GLOBAL_TABLES says, for tables that have no tenant."""

    reversible = True

    def __init__(self, *tables: str) -> None:
        self.tables = tables

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return "GrantGlobal", list(self.tables), {}

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Nothing changes in the models."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        for table in self.tables:
            rights, _reason = GLOBAL_TABLES[table]
            schema_editor.execute(f'GRANT {rights} ON "{table}" TO {settings.APP_ROLE}')
        schema_editor.execute(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {settings.APP_ROLE}")

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Grants go with their tables."""

    def describe(self) -> str:
        return f"Grant {', '.join(self.tables)}"
