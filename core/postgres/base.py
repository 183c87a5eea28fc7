"""Where Django looks for the engine."""

from typing import Any

from django.db.backends.postgresql import base

from core.postgres import liveness


class DatabaseWrapper(base.DatabaseWrapper):
    """Connections of a process that serves people (`liveness.watch`) are given up when the server answers nothing."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """A connection, watched where the process says so. Raises psycopg.OperationalError."""
        watched = liveness.of(self.alias)
        if watched is None:
            return super().get_new_connection(conn_params)
        watched.refuse_while_silent(conn_params)
        patience = min(conn_params.get("connect_timeout", liveness.CONNECT_SECONDS), liveness.CONNECT_SECONDS)
        connection = super().get_new_connection({**conn_params, "connect_timeout": patience})
        watched.watch(connection, conn_params)
        return connection
