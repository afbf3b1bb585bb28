"""How long Airflow waits for its own SQLite file, in which two workers, a sandbox and a busy machine meet; SQLAlchemy's
five seconds were seen to be too few."""

CONNECT_ARGS = {"timeout": 60}
