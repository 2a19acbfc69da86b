"""A script's functions in the tests' own process, where what they call can be listened to."""
import importlib.util
import inspect
from types import SimpleNamespace

from absl import flags

from nets import nets_factory
from tests.scripts import small_net
from tests.scripts.fork_server import PROJECT

# Flags are known by the module that defines them, which the function between it and absl is not.
flags.disclaim_key_flags()
# What scripts ask of a data set before they read it.
DATASET = SimpleNamespace(num_classes=2, num_samples=10, labels_to_names={1: "box", 2: "ball"})
DEFINES = {name: getattr(flags, name) for name in dir(flags) if name.startswith("DEFINE_")}


def load(monkeypatch, script, **values):
    """The script as a module with flags of its own, which have these values; it knows `small_net`."""
    own = flags.FlagValues()
    for name, define in DEFINES.items():
        monkeypatch.setattr(flags, name, lambda *a, _define=define, **k: _define(*a, **k, flag_values=own))
    monkeypatch.setattr(flags, "FLAGS", own)
    monkeypatch.setitem(nets_factory.NETWORKS, small_net.NAME, small_net.__name__)
    spec = importlib.util.spec_from_file_location("script", PROJECT / script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    own([script, *(f"--{name}={value}" for name, value in values.items())])
    return module


def listen(monkeypatch, owner, name, instead=None):
    """The list of the arguments, by name, of every call of `owner.name` from now on; `instead` may answer them."""
    calls, whole = [], getattr(owner, name)

    def noting(*args, **kwargs):
        calls.append(dict(inspect.signature(whole).bind(*args, **kwargs).arguments))
        return (instead or whole)(*args, **kwargs)
    monkeypatch.setattr(owner, name, noting)
    return calls
