"""Five feeds that the repository has never seen go from an address to first rows by commands and a few hand edits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from cityhub.settings import Settings
from sandbox import exchange_mariadb
from tests.register import unseen
from tests.register.conftest import put_secret
from tests.register.desk import Desk
from tests.register.unseen import DAY, OWNER
from tests.sensors.gateway_process import Gateway
from tests.servers import postgres
from tests.servers.http import vendor
from tests.servers.mosquitto import MOSQUITTO, Broker
from tests.waiting import wait_for
from warehouse import lake

MOST_EDITS = 6


def rows(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    con = lake.connect(settings)
    try:
        return con.execute(sql).fetchall()
    finally:
        con.close()


def adds_up(result: dict[str, Any]) -> bool:
    return bool(result["landed"] == result["loaded"] + result["duplicate"] + result["quarantined"])


def test_rest_with_an_odd_paging(desk: Desk, settings: Settings) -> None:
    with vendor(unseen.bins) as platform:
        path = desk.draft(f"{platform.address}/ljt/sj?rq={DAY}&idx=0", "--feed", "sanitation.bin_level")
        desk.edit(path, title__zh="智能垃圾桶满溢数据", location__system="gcj02", **OWNER)
        desk.finish(path)
        asked_before = len(platform.requests)
        result = desk.sync("sanitation.bin_level", DAY)
    assert [request.query.get("idx") for request in platform.requests[asked_before:]] == [None, "40", "80"]
    assert adds_up(result)
    assert (result["landed"], result["loaded"]) == (100, 100)
    ((lowest, highest, units),) = rows(
        settings, "SELECT min(fill_pct), max(fill_pct), count(DISTINCT unit_code) FROM sanitation_bin_level"
    )
    assert (lowest, highest, units) == (0, 100, 4)
    print(desk.note("sanitation.bin_level"))
    assert len(desk.edits["sanitation.bin_level"]) <= MOST_EDITS


def test_csv_in_gb18030_with_semicolons_and_decimal_commas(desk: Desk, settings: Settings, tmp_path: Path) -> None:
    path = desk.draft(str(unseen.trees(tmp_path)), "--feed", "landscaping.old_tree")
    desk.edit(path, title__zh="古树名木调查", **OWNER)
    desk.finish(path)
    result = desk.sync("landscaping.old_tree", DAY)
    assert adds_up(result)
    assert (result["landed"], result["loaded"], result["quarantined"]) == (62, 60, 2)
    ((thick, tall, health),) = rows(
        settings, "SELECT dbh_cm, height_m, health FROM landscaping_old_tree WHERE tree_id = 'GS0010'"
    )
    assert (thick, tall, health) == (21.25, 8.5, "fair")
    print(desk.note("landscaping.old_tree"))
    assert len(desk.edits["landscaping.old_tree"]) <= MOST_EDITS


def test_workbook_with_a_title_row(desk: Desk, settings: Settings, tmp_path: Path) -> None:
    put_secret(settings, "personal_key", "a key of the tests")
    path = desk.draft(str(unseen.complaints(tmp_path)), "--feed", "heat.complaint")
    text = path.read_text(encoding="utf-8")
    assert "13800138" not in text  # nobody's number leaves the source with a draft
    assert "钱某" not in text
    desk.edit(path, title__zh="供热投诉", **OWNER)
    desk.finish(path)
    result = desk.sync("heat.complaint", DAY)
    assert adds_up(result)
    assert result["loaded"] == 30
    ((warm, units, phones),) = rows(
        settings,
        "SELECT max(temp_c), count(DISTINCT unit_code), count(*) FILTER (phone LIKE '138%') FROM heat_complaint",
    )
    assert (round(warm, 1), units, phones) == (17.4, 4, 0)
    print(desk.note("heat.complaint"))
    assert len(desk.edits["heat.complaint"]) <= MOST_EDITS


@contextmanager
def mariadb(home: Path) -> Iterator[tuple[str, str, str]]:
    server = exchange_mariadb.Mariadb(home, "reader", "reader-word")
    try:
        with server._connect("exchange").cursor() as cursor:
            cursor.execute(unseen.PUMPS.format(time="DATETIME"))
            cursor.executemany("INSERT INTO BZ_YXJL VALUES (%s, %s, %s, %s, %s, %s, %s, %s)", unseen.pump_rows())
            cursor.execute("GRANT SELECT ON exchange.* TO 'reader'@'127.0.0.1'")
            cursor.connection.commit()
        yield server.url, server.user, server.password
    finally:
        server.stop()


@contextmanager
def postgresql(_home: Path) -> Iterator[tuple[str, str, str]]:
    with postgres.postgres() as server:
        address = f"postgresql://{server.host}:{server.port}/exchange"
        url = sa.make_url(address).set(drivername="postgresql+psycopg", username="hub", password=postgres.PASSWORD)
        engine = sa.create_engine(url, poolclass=sa.NullPool)
        with engine.begin() as con:
            con.exec_driver_sql(unseen.PUMPS.format(time="TIMESTAMP"))
            con.exec_driver_sql("INSERT INTO bz_yxjl VALUES (%s, %s, %s, %s, %s, %s, %s, %s)", unseen.pump_rows())
        yield address, "hub", postgres.PASSWORD


SERVERS = [
    pytest.param(
        mariadb,
        "BZ_YXJL",
        id="mariadb",
        marks=pytest.mark.skipif(exchange_mariadb.binaries() is None, reason="MariaDB is not installed"),
    ),
    pytest.param(
        postgresql,
        "bz_yxjl",
        id="postgresql",
        marks=pytest.mark.skipif(postgres.binaries() is None, reason="PostgreSQL is not installed"),
    ),
]


@pytest.mark.parametrize(("server", "table"), SERVERS)
def test_database_table(desk: Desk, settings: Settings, tmp_path: Path, server: Any, table: str) -> None:
    with server(tmp_path) as (address, user, password):
        put_secret(settings, "pump_user", user)
        put_secret(settings, "pump_password", password)
        path = desk.draft(
            f"{address}#{table}", "--feed", "municipal.pump", "--user", "pump_user", "--password", "pump_password"
        )
        assert password not in path.read_text(encoding="utf-8")
        desk.edit(path, title__zh="泵站运行记录", **OWNER)
        desk.finish(path)
        result = desk.sync("municipal.pump", DAY)
    assert adds_up(result)
    assert result["loaded"] == 72
    ((deep, pressure),) = rows(settings, "SELECT max(depth_cm), max(p_supply_mpa) FROM municipal_pump")
    assert (deep, round(pressure, 4)) == (42.1, 0.1205)
    print(desk.note("municipal.pump"))
    assert len(desk.edits["municipal.pump"]) <= MOST_EDITS


@pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed; the embedded broker keeps nothing")
def test_mqtt_topic(desk: Desk, settings: Settings, tmp_path: Path) -> None:
    broker = Broker(tmp_path / "broker").start()
    device = Client(CallbackAPIVersion.VERSION2)
    device.connect("127.0.0.1", broker.port)
    device.loop_start()
    gateway = Gateway(settings, now="2026-11-20T20:00:00+08:00")
    try:
        for topic, payload in unseen.leak_messages()[:10]:  # the broker keeps the last one of each topic
            device.publish(topic, payload, qos=1, retain=True).wait_for_publish(30)
        path = desk.draft(
            f"{broker.address}/ranqi/+/+/sb", "--feed", "gas.leak", "--messages", "5", "--seconds", "20"
        )  # fmt: skip
        desk.edit(path, title__zh="燃气泄漏浓度", **OWNER)
        desk.finish(path)
        gateway.start().ready()
        for topic, payload in unseen.leak_messages():
            device.publish(topic, payload, qos=1).wait_for_publish(30)
        wait_for(lambda: gateway.counted("acknowledged") >= 40, 60)
    finally:
        gateway.stop()
        device.disconnect()
        device.loop_stop()
        broker.stop()
    result = desk.sync("gas.leak", DAY)
    assert adds_up(result)
    assert rows(settings, "SELECT count(*), max(lel_pct), count(DISTINCT detector_id) FROM gas_leak") == [(40, 0.6, 5)]
    print(desk.note("gas.leak"))
    assert len(desk.edits["gas.leak"]) <= MOST_EDITS
