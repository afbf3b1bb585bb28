"""Parents before the feeds that look their unit up in them."""

from pathlib import Path

from cityhub.spec.read import read_all
from flow.order import in_order, parent_feed

FEEDS = Path(__file__).parents[2] / "feeds"


def test_every_parent_comes_before_its_children():
    specs = read_all(FEEDS)
    order = in_order(specs)
    assert set(order) == set(specs)
    children = [name for name in specs if parent_feed(specs[name], specs)]
    assert children, "some feed looks its unit up in another's table"
    for name in children:
        assert order.index(parent_feed(specs[name], specs)) < order.index(name)


def test_a_lookup_names_a_table_that_some_feed_fills():
    specs = read_all(FEEDS)
    for spec in specs.values():
        if spec.unit.by == "lookup":
            parent = parent_feed(spec, specs)
            assert parent is not None, f"{spec.feed} looks up {spec.unit.table}, which no feed fills"
            assert spec.unit.key in specs[parent].fields
