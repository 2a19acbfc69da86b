"""What the evaluation's flags ask for."""
from types import SimpleNamespace

from tf_extended.evaluation import eval_flags
from tf_extended.evaluation.detection_graph import Selection


def test_each_flag_is_its_own_part_of_the_selection():
    asked = {"select_threshold": 0.1, "nms_threshold": 0.2, "select_top_k": 3, "keep_top_k": 4, "keep_per": "class",
             "test_flips": "both"}
    given = {"keep_top_k_per" if name == "keep_per" else name: value for name, value in asked.items()}
    assert eval_flags.selection(SimpleNamespace(**given)) == Selection(**asked)


def test_the_documented_selection_is_the_default():
    assert Selection() == Selection(select_threshold=0.01, nms_threshold=0.45, select_top_k=400, keep_top_k=200,
                                    keep_per="class", test_flips="none")
