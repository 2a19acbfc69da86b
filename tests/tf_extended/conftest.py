"""What several tests of this folder begin with."""
import pytest
from absl import flags

from tf_extended import shared_flags, training_flags


@pytest.fixture
def parse(monkeypatch):
    """A function that defines the training script's flags anew and parses arguments."""
    defines = {name: getattr(flags, name) for name in dir(flags) if name.startswith("DEFINE_")}

    def parsed(*arguments):
        values = flags.FlagValues()
        for name, define in defines.items():
            monkeypatch.setattr(flags, name, lambda *a, _define=define, **k: _define(*a, **k, flag_values=values))
        shared_flags.define_dataset_flags(split="train", batch_size=32)
        shared_flags.define_model_flags()
        shared_flags.define_augmentation_flags("slim")
        training_flags.define_recipe_flags()
        training_flags.define_optimization_flags()
        training_flags.define_run_flags()
        training_flags.define_starting_point_flags()
        values(["program", *arguments])
        return values
    return parsed
