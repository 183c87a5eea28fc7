#!/bin/sh
# Runs once, when the data folder of a node of the cluster is made: the extension, and how nodes log in to each other.
set -eu
psql --quiet --set=ON_ERROR_STOP=1 --username=postgres --dbname=cdp --command='create extension citus'
umask 077
printf '*:*:cdp:postgres:%s\n*:*:cdp:cdp_owner:%s\n*:*:cdp:cdp_app:%s\n' \
    "$POSTGRES_PASSWORD" "$OWNER_PASSWORD" "$APP_PASSWORD" >"$PGDATA/pgpass"
