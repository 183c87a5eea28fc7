"""The tenant that the running code works for: one transaction, one setting, cleared on leaving.

Row-level security compares each row's `tenant_id` with the setting `app.tenant_id`. The setting lives as long as the
transaction (`SET LOCAL`, as a statement of its own: `set_config` would not travel to the nodes of a cluster).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import structlog
from django.db import transaction
from psycopg.pq import TransactionStatus

from tenants.isolation import replica

_current: ContextVar[int | None] = ContextVar("tenant_id", default=None)


class NoTenant(RuntimeError):
    """Tenant data was asked for outside of a tenant's context. The database would answer with silence; we do not."""


class OtherTenant(RuntimeError):
    """A context of one tenant was opened inside that of another."""


def current_tenant() -> int:
    """Id of the tenant whose context is open. Raises NoTenant outside of one."""
    tenant_id = _current.get()
    if tenant_id is None:
        raise NoTenant("No tenant context is open: use tenants.isolation.context.tenant_context(tenant_id).")
    return tenant_id


@contextmanager
def tenant_context(tenant_id: int, *, read_only: bool = False, one_moment: bool = False) -> Iterator[int]:
    """Open a transaction in which the tenant's rows, and only those, can be seen and written.

    The same tenant may nest (a savepoint); another may not (OtherTenant). `read_only` makes PostgreSQL itself refuse
    every write, which is how GET and HEAD are kept harmless; `one_moment` shows all statements the same rows, whatever
    others write meanwhile. Both are for the outermost context. Inside of `replica.reading` the transaction is one there.
    """
    outer = _current.get()
    if outer is not None and outer != tenant_id:
        raise OtherTenant(f"Tenant {tenant_id} asked for inside the context of tenant {outer}.")
    enclosed = _is_enclosed()
    with transaction.atomic(using=replica.alias()):
        if outer is None:
            _set("tenant_id", tenant_id, read_only=read_only, one_moment=one_moment)
        token = _current.set(tenant_id)
        try:
            # Log lines say whose work it was.
            with structlog.contextvars.bound_contextvars(workspace=tenant_id):
                yield tenant_id
        finally:
            _current.reset(token)
            if outer is None and enclosed:
                _clear("tenant_id")


@contextmanager
def user_context(user_id: int) -> Iterator[None]:
    """A transaction in which a person can read their own memberships, over all tenants, and nothing else."""
    enclosed = _is_enclosed()
    with transaction.atomic(using=replica.alias()):
        _set("user_id", user_id)
        try:
            yield
        finally:
            if enclosed:
                _clear("user_id")


def allow_removal() -> None:
    """Say that the workspace of this transaction is being erased. On a cluster, policies ask for it instead of the table of
    workspaces before rows of `tenants.isolation.rls.RARELY_REMOVED` can go; elsewhere it changes nothing."""
    with replica.database().cursor() as cursor:
        cursor.execute("SET LOCAL app.being_erased = 'on'")


def wait_briefly(seconds: int) -> None:
    """Let this transaction give up on a lock after so long (OperationalError by LockNotAvailable): a person is waiting."""
    with replica.database().cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{int(seconds)}s'")


def _set(name: str, value: int, *, read_only: bool = False, one_moment: bool = False) -> None:
    # SET takes no server-side parameters; int() makes the text safe.
    with replica.database().cursor() as cursor:
        if one_moment:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        if read_only:
            cursor.execute("SET TRANSACTION READ ONLY")
        cursor.execute(f"SET LOCAL app.{name} = '{int(value)}'")


def _is_enclosed() -> bool:
    """Whether a transaction is open already: the setting then outlives the block to come, and must be cleared."""
    return not replica.database().get_autocommit()


def _clear(name: str) -> None:
    # An enclosing transaction (a caller's atomic block) must not keep seeing this tenant. In a transaction that is
    # broken no statement runs any more; it is about to be rolled back, and the setting goes with it.
    database = replica.database()
    raw = database.connection
    if raw is None or database.needs_rollback:
        return
    if raw.info.transaction_status == TransactionStatus.INTRANS:
        with database.cursor() as cursor:
            cursor.execute(f"SET LOCAL app.{name} = ''")
