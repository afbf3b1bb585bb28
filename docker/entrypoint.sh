#!/bin/sh
# Turns mounted secrets into what libraries read from their environment, then becomes the command.
# The values exist only inside this process and its children, not in the image or in `docker inspect`.
set -eu
secrets=${CITYHUB_DOCKER_SECRETS:-/run/secrets}

has() { [ -r "$secrets/$1" ]; }
value() { cat "$secrets/$1"; }

# DuckDB reaches the warehouse's catalog through libpq, which takes the password from here.
if has lake_password; then
    PGPASSWORD=$(value lake_password)
    export PGPASSWORD
fi
# One driver for both of Airflow's engines, so the image needs no second one.
if has airflow_db_password; then
    AIRFLOW__DATABASE__SQL_ALCHEMY_CONN="postgresql+psycopg://airflow:$(value airflow_db_password)@${AIRFLOW_DB_HOST:-postgres}/airflow"
    AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC=$AIRFLOW__DATABASE__SQL_ALCHEMY_CONN
    export AIRFLOW__DATABASE__SQL_ALCHEMY_CONN AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC
fi
# All components must sign with the same keys, or tasks are refused by the API server.
if has airflow_jwt_secret; then
    AIRFLOW__API_AUTH__JWT_SECRET=$(value airflow_jwt_secret)
    AIRFLOW__API__SECRET_KEY=$AIRFLOW__API_AUTH__JWT_SECRET
    export AIRFLOW__API_AUTH__JWT_SECRET AIRFLOW__API__SECRET_KEY
fi
if has airflow_fernet_key; then
    AIRFLOW__CORE__FERNET_KEY=$(value airflow_fernet_key)
    export AIRFLOW__CORE__FERNET_KEY
fi
exec "$@"
