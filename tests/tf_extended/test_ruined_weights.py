"""Weights that are not finite are never saved, and what resumes from ruined ones says so."""
import numpy as np
import pytest

import tf_extended as tfe
from tests.tf_extended.test_training import stored, train
from tf_extended import checkpoints


def ruin_at(step):
    """A hook that puts NaN into the net's one variable after `step`."""
    def hook(session, now):
        if now == step:
            session.run("net/v/Assign", {"net/v/Initializer/Const:0": np.nan})
    return hook


@pytest.mark.parametrize(("step", "save_interval_secs"), [(2, 0), (3, 600)])
def test_ruined_weights_are_not_saved(tmp_path, step, save_interval_secs):
    """Neither between two steps nor at the end, which slim saves."""
    with pytest.raises(tfe.RunError, match=rf"step {step}: 1 variables are not finite, net/v the first"):
        train(tmp_path, 3, hooks=(ruin_at(step),), save_interval_secs=save_interval_secs)
    left = checkpoints.latest_checkpoint(tmp_path)
    assert (left is None) == (save_interval_secs == 600)
    if left:
        assert checkpoints.checkpoint_step(left) == step - 1
        assert np.isfinite(stored(tmp_path)["net/v"])


def test_a_run_that_fails_at_once_doubts_what_it_resumed_from(tmp_path):
    train(tmp_path, 3)
    with pytest.raises(tfe.RunError) as failed:
        train(tmp_path, 6, poison_at=3)
    assert f"the first after {tmp_path}/model.ckpt-3, whose weights may be ruined already" in str(failed.value)
    with pytest.raises(tfe.RunError) as failed:
        train(tmp_path / "other", 6, poison_at=3)
    assert "may be ruined" not in str(failed.value)
