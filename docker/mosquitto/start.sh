#!/bin/sh
# Writes the broker's password file from the mounted secrets, then becomes the broker.
# Users and passwords never stand in the image, in the configuration or in the environment.
set -eu
users=/mosquitto/data/users
: > "$users"
chmod 0600 "$users"
mosquitto_passwd -b "$users" "$(cat /run/secrets/mqtt_user)" "$(cat /run/secrets/mqtt_password)"
mosquitto_passwd -b "$users" "$(cat /run/secrets/mqtt_device_user)" "$(cat /run/secrets/mqtt_device_password)"
chown mosquitto:mosquitto "$users"
exec mosquitto -c /mosquitto/config/mosquitto.conf
