"""How Airflow is set up for a night."""

import os
import subprocess
import sys

import pytest

from cityhub.settings import load
from flow.airflow_env import environment

_ASK = (
    "from airflow.settings import engine; print(engine.raw_connection().execute('PRAGMA busy_timeout').fetchone()[0])"
)


def test_airflow_waits_a_minute_for_its_own_database(tmp_path, monkeypatch):
    monkeypatch.setenv("CITYHUB_HOME", str(tmp_path))
    asked = subprocess.run(
        [sys.executable, "-c", _ASK], env=os.environ | environment(load()), capture_output=True, text=True, check=True
    )
    assert asked.stdout.split()[-1] == "60000"


@pytest.mark.parametrize("name", ["SQL_ALCHEMY_CONNECT_ARGS", "SQL_ALCHEMY_CONNECT_ARGS_ASYNC"])
def test_another_database_gets_no_words_of_sqlite(name, tmp_path, monkeypatch):
    monkeypatch.setenv("CITYHUB_HOME", str(tmp_path))
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "postgresql+psycopg://hub@db/airflow")
    assert f"AIRFLOW__DATABASE__{name}" not in environment(load())
