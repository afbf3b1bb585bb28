"""A seeded sample of what `bench.chaos` does two hundred times: killed nights end as if undisturbed."""

import pytest

from tests.chaos import chain

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("chaos")]


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.full)])
def test_nights_killed_at_random_moments_end_as_an_undisturbed_one(seed, undisturbed, tmp_path):
    ended = chain.run(
        tmp_path / "hub", undisturbed.feeds, undisturbed.content, seed=seed, kills=3, seconds=undisturbed.seconds
    )
    assert ended.good, ended
