"""Scripts run as a user runs them: in a process of their own, from the project's folder."""
import json
import sys

from lxml import etree

from datasets.shapes import make_devkit
from nets import model_file, ssd_vgg_300
from tests.scripts import small_net
from tests.scripts.fork_server import finish
from tf_extended.compat import slim, tf

TRAIN = "train_ssd_network.py"
# The flags of a net that starts quickly. Recipes have anchors for six or seven layers; `--anchors=` leaves the net's.
SMALL = {"model_name": small_net.NAME, "anchors": ""}


def command(script, **flag_values):
    """The command line of a script with these flags."""
    return [sys.executable, script, *(f"--{name}={value}" for name, value in flag_values.items())]


def run(script, **flag_values):
    """The finished process, with stdout and stderr as text; `small_net` is among its nets."""
    return finish(command(script, **flag_values)[1:])


def succeed(script, **flag_values):
    """What the script printed; an AssertionError with everything it said where its status is not 0."""
    done = run(script, **flag_values)
    assert done.returncode == 0, f"{script}: status {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def refuse(script, **flag_values):
    """The one line of a script that refused its flags or input: status 2, no traceback, nothing on stdout's end."""
    done = run(script, **flag_values)
    assert done.returncode == 2, f"{script}: status {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def flags(shards, train_dir, **more):
    """Flags of a small, quick training, of pictures as they are: XLA compiles the colours' loops for seconds.

    Of `SMALL` too where the net itself does not matter.
    """
    return {"dataset_dir": shards, "dataset_split_name": "trainval", "train_dir": train_dir, "depth_multiplier": 0.05,
            "batch_size": 2, "log_every_n_steps": 1, "save_summaries_secs": 0, "optimizer": "momentum",
            "learning_rate": 0.0001, "num_readers": 1, "num_preprocessing_threads": 1, "augmentation": "none"} | more


def steps(train_dir):
    """The steps that a training logged, in the order of its lines."""
    return [json.loads(line)["step"] for line in (train_dir / "metrics.jsonl").read_text().splitlines()]


def make_shards(folder, num_train, without_objects=0):
    """A generated data set, family `shapes`, split `trainval`; the first `without_objects` pictures lose theirs."""
    make_devkit(folder / "devkit", num_train=num_train, num_test=1, seed=3)
    for number in range(1, without_objects + 1):
        path = folder / "devkit" / "Annotations" / f"{number:06d}.xml"
        root = etree.parse(path).getroot()
        for thing in root.findall("object"):
            root.remove(thing)
        path.write_bytes(etree.tostring(root))
    succeed("tf_convert_data.py", dataset_dir=folder / "devkit", split="trainval", output_dir=folder / "shards",
            output_name="shapes_trainval")
    return folder / "shards"


def untrained_train_dir(folder, labels, net_class=ssd_vgg_300.SSDNet, steps=(1,)):
    """`folder` as a training of a very thin net leaves it, but for the learning: checkpoints and model.json."""
    net = net_class(net_class.default_params._replace(num_classes=len(labels) + 1), depth_multiplier=0.05)
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(1)
        with slim.arg_scope(net.arg_scope()):
            net.net(tf.zeros([1, *net.params.img_shape, 3]), is_training=False)
        session.run(tf.global_variables_initializer())
        saver = tf.train.Saver()
        for step in steps:
            saver.save(session, str(folder / "model.ckpt"), global_step=step, write_meta_graph=False)
    model_file.write_model_file(folder, net, labels)
    return folder
