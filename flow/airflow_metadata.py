"""Airflow's own database and our pool, once per Airflow version: `python -m flow.airflow_metadata`."""

from __future__ import annotations

import os
from pathlib import Path

from cityhub.settings import load as load_settings
from flow.airflow_env import POOL, environment
from warehouse.lake import lock


def prepare_metadata(home: Path) -> None:
    """Create or migrate the database below AIRFLOW_HOME, with our pool and DAG folder; does nothing when that was done.

    Processes that start at once wait for the one that does it.
    """
    from airflow import __version__

    stamp = home / f".migrated-{__version__}"
    if stamp.exists():
        return
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db
    from airflow.models.pool import Pool
    from airflow.utils.db import initdb

    home.mkdir(parents=True, exist_ok=True)
    with lock(load_settings(), "airflow-metadata"):
        if stamp.exists():
            return
        initdb()
        Pool.create_or_update_pool(POOL, slots=1, description="writes into the warehouse", include_deferred=False)
        # what all DAGs share (their bundle, the alias of restated days) has unique names: two workers that run their
        # first DAGs at once would both insert it
        manager = DagBundlesManager()
        manager.sync_bundles_to_db()
        for bundle in manager.get_all_dag_bundles():
            bundle.initialize()
            bag = BundleDagBag(dag_folder=bundle.path, bundle_path=bundle.path, bundle_name=bundle.name)
            sync_bag_to_db(bag, bundle.name, bundle.version)
        stamp.touch()


if __name__ == "__main__":
    os.environ.update(environment(load_settings()))
    prepare_metadata(Path(os.environ["AIRFLOW_HOME"]))
