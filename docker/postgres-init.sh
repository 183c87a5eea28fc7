#!/bin/sh
# Run once by the PostgreSQL image, on an empty data folder: makes the two roles with the statements of cdp/stack/roles.sql.
# psql reads the passwords from the environment itself; on its command line everybody could read them.
set -eu
{
    printf '%s\n' '\getenv owner_password OWNER_PASSWORD' '\getenv app_password APP_PASSWORD'
    cat "${ROLES_SQL:-/roles.sql}"
} | psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --single-transaction \
    --username "${POSTGRES_USER:-postgres}" --dbname "$POSTGRES_DB" --file -
