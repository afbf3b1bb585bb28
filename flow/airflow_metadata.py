"""Airflow's own database and our pool, once per Airflow version: `python -m flow.airflow_metadata`."""

from __future__ import annotations

import os
from pathlib import Path

from cityhub.settings import Settings
from cityhub.settings import load as load_settings
from flow.airflow_env import POOL, environment


def migrated(settings: Settings) -> bool:
    """Whether this installation's Airflow database is there, without importing Airflow."""
    home = Path(environment(settings)["AIRFLOW_HOME"])
    return any(home.glob(".migrated-*"))


def prepare_metadata(home: Path) -> None:
    """Create or migrate the database below AIRFLOW_HOME and make the pool; does nothing when that was done."""
    from airflow import __version__

    stamp = home / f".migrated-{__version__}"
    if stamp.exists():
        return
    from airflow.models.pool import Pool
    from airflow.utils.db import initdb

    home.mkdir(parents=True, exist_ok=True)
    initdb()
    Pool.create_or_update_pool(POOL, slots=1, description="writes into the warehouse", include_deferred=False)
    stamp.touch()


if __name__ == "__main__":
    os.environ.update(environment(load_settings()))
    prepare_metadata(Path(os.environ["AIRFLOW_HOME"]))
