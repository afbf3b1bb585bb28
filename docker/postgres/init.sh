#!/bin/sh
# Runs once, when the volume is empty: a database and a role for Airflow, and one for the warehouse's catalog.
# Passwords reach SQL as psql variables, never by pasting.
set -eu
for name in airflow lake; do
    secret=$name; [ "$name" = airflow ] && secret=airflow_db
    psql --username postgres --set ON_ERROR_STOP=1 \
        --set role="$name" --set password="$(cat "/run/secrets/${secret}_password")" <<'SQL'
CREATE ROLE :"role" LOGIN PASSWORD :'password';
CREATE DATABASE :"role" OWNER :"role";
SQL
done
