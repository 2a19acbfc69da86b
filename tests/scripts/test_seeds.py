"""--seed, seen from outside: what repeats itself, and what must not."""
import json

import pytest

from tests.scripts.running import SMALL, TRAIN, flags, make_shards, succeed

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    return make_shards(tmp_path_factory.mktemp("data"), 12)


def logged(shards, train_dir, figure, **more):
    """A figure of each step of a training with a seed, in a new folder or one that it resumes in."""
    succeed(TRAIN, **flags(shards, train_dir, **SMALL, seed=7, **more))
    return [json.loads(row)[figure] for row in (train_dir / "metrics.jsonl").read_text().splitlines()]


def test_a_seed_makes_two_runs_equal(shards, tmp_path):
    more = {"augmentation": "paper", "mosaic": 0.5}
    first, second = (logged(shards, tmp_path / name, "loss", max_number_of_steps=3, **more) for name in "ab")
    assert len(first) == 3 and first == second


def test_a_run_that_resumes_sees_other_pictures(shards, tmp_path):
    more = {"augmentation": "paper", "colours": "none"}
    begun = logged(shards, tmp_path, "matched_anchors", max_number_of_steps=3, **more)
    gone_on = logged(shards, tmp_path, "matched_anchors", max_number_of_steps=6, **more)
    assert gone_on[:3] == begun and gone_on[3:] != begun
