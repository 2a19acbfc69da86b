"""Which checkpoints are named, in which order, and when it ends; time is made here."""
from tf_extended.evaluation.following import checkpoints_in, new_checkpoints


class Time:
    """A clock that moves when somebody sleeps; `events`: what happens at which time."""

    def __init__(self, events=()):
        self.now, self.events = 0.0, dict(events)

    def sleep(self, seconds):
        self.now += seconds
        for moment in [m for m in self.events if m <= self.now]:
            self.events.pop(moment)()


def save(folder, step, parts=("index", "data-00000-of-00001")):
    for part in parts:
        (folder / f"model.ckpt-{step}.{part}").write_text("")


def follow(folder, time, done=(), idle=30.0):
    names = new_checkpoints(folder, done, interval_secs=10, idle_timeout_secs=idle, clock=lambda: time.now,
                            sleep=time.sleep)
    return [int(name.rsplit("-", 1)[1]) for name in names]


def test_oldest_first_and_each_once(tmp_path):
    for step in (200, 1000, 0, 30):
        save(tmp_path, step)
    assert follow(tmp_path, Time()) == [0, 30, 200, 1000]


def test_what_is_done_is_not_named_again(tmp_path):
    save(tmp_path, 1)
    save(tmp_path, 2)
    assert follow(tmp_path, Time(), done=[1]) == [2]


def test_new_ones_are_waited_for_and_put_the_end_off(tmp_path):
    time = Time({25: lambda: save(tmp_path, 1), 50: lambda: save(tmp_path, 2), 200: lambda: save(tmp_path, 3)})
    assert follow(tmp_path, time) == [1, 2]
    assert 70 <= time.now < 100


def test_a_folder_that_is_not_there_yet(tmp_path):
    folder = tmp_path / "train"

    def begin():
        folder.mkdir()
        save(folder, 5)

    assert follow(folder, Time({20: begin})) == [5]
    assert follow(tmp_path / "never", Time()) == []


def test_the_end_is_not_put_off_beyond_the_timeout(tmp_path):
    time = Time()
    assert follow(tmp_path, time) == []
    assert time.now == 30
    assert follow(tmp_path, time, idle=35.0) == []
    assert time.now == 30 + 40  # it looks every ten seconds


def test_the_callers_time_is_not_idle(tmp_path):
    time = Time()
    save(tmp_path, 1)
    names = []
    for name in new_checkpoints(tmp_path, [], interval_secs=10, idle_timeout_secs=30, clock=lambda: time.now,
                                sleep=time.sleep):
        names.append(name)
        if len(names) == 1:
            time.now += 1000
            save(tmp_path, 2)
    assert len(names) == 2


def test_one_that_was_still_being_copied_comes_again_when_it_has_grown(tmp_path):
    """Not when the graph, which a training writes last, or a checkpoint of another step appears beside it."""
    data = tmp_path / "model.ckpt-1.data-00000-of-00001"
    save(tmp_path, 1)
    time = Time({15: lambda: data.write_text("half"), 35: lambda: data.write_text("all of it"),
                 45: lambda: save(tmp_path, 1, ["meta"]), 50: lambda: save(tmp_path, 10)})
    (tmp_path / "model.ckpt-1.meta").write_text("graph")
    assert follow(tmp_path, time) == [1, 1, 1, 10]
    assert follow(tmp_path, Time(), done=[1, 10]) == []


def test_other_files_are_no_checkpoints(tmp_path):
    save(tmp_path, 4)
    (tmp_path / "model.ckpt-9.data-00000-of-00001").write_text("")
    (tmp_path / "best.index").write_text("")
    assert [name.rsplit("/", 1)[1] for name in checkpoints_in(tmp_path)] == ["model.ckpt-4"]


def test_a_checkpoint_that_is_copied_is_waited_for_until_all_its_data_are_there(tmp_path):
    save(tmp_path, 4, ["index", "data-00000-of-00002", "data-00001-of-00002.tempstate7"])
    save(tmp_path, 44, ["data-00001-of-00002", "data-00000-of-00001"])
    time = Time({20: lambda: save(tmp_path, 4, ["data-00001-of-00002"])})
    assert follow(tmp_path, time) == [4]
    assert time.now >= 20
