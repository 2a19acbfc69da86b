import json

from tf_extended import run_file


def test_command_flags_versions_and_facts(tmp_path):
    path = run_file.write_run_file(tmp_path, {"batch_size": 8}, steps=100, folder=tmp_path)
    run = json.loads(path.read_text())
    assert run["flags"] == {"batch_size": 8}
    assert run["steps"] == 100
    assert run["folder"] == str(tmp_path)
    assert run["versions"]["tensorflow"].startswith("2.")
    assert run["earlier_commands"] == []


def test_a_resumed_run_remembers_the_commands_before(tmp_path):
    for number in range(3):
        path = run_file.write_run_file(tmp_path, {"number": number})
    assert len(json.loads(path.read_text())["earlier_commands"]) == 2
    for text in ("{", "[]", '{"command": [], "earlier_commands": null}'):
        path.write_text(text)
        run_file.write_run_file(tmp_path, {})
        assert json.loads(path.read_text())["earlier_commands"] == ["unreadable"]


def test_commands_are_remembered_in_their_order(tmp_path, monkeypatch):
    for word in ("one", "two", "three"):
        monkeypatch.setattr(run_file.sys, "argv", [word])
        run = json.loads(run_file.write_run_file(tmp_path, {}).read_text())
    assert run["command"] == ["three"] and run["earlier_commands"] == [["one"], ["two"]]
