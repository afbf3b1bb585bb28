#!/bin/sh
# Makes docker/secrets/ with a random value for every secret that compose mounts; keeps what is there.
# Accounts at the platforms go by hand into docker/secrets/feeds/, one file a name; `cityhub feed show FEED` names them.
set -eu
folder=$(dirname "$0")/secrets
mkdir -p "$folder/feeds"
chmod 0700 "$folder"
# Below a folder that only its owner may enter, files are readable by all, because the host does not know the ids of
# the users inside the containers.
chmod 0755 "$folder/feeds"

make() { [ -e "$folder/$1" ] || { printf '%s\n' "$2" > "$folder/$1"; chmod 0444 "$folder/$1"; }; }
# Letters and digits only: passwords stand in URLs.
random() { od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }

make postgres_password "$(random 24)"
make airflow_db_password "$(random 24)"
make lake_password "$(random 24)"
make airflow_jwt_secret "$(random 64)"
make airflow_fernet_key "$(head -c 32 /dev/urandom | base64 | tr '+/' '-_')"
make mqtt_device_user device
make mqtt_device_password "$(random 24)"
make feeds/mqtt_user cityhub
make feeds/mqtt_password "$(random 24)"
