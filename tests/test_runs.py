import os
import subprocess
import sys
from pathlib import Path

import pytest

from radtrace.config import Recipe
from radtrace.errors import InputError
from radtrace.runs import JsonLines, RunFolder, progress, write_atomically


class Small(Recipe):
    output: Path = Path("out")
    size: int = 3
    name: str = "a"


def enter(path, **settings):
    with RunFolder(path, "build", Small(**settings)):
        pass


def test_a_run_is_resumed_with_the_same_recipe_only(tmp_path):
    folder = tmp_path / "run"
    enter(folder)
    enter(folder, output=Path("moved"))
    with pytest.raises(InputError, match=r"name was 'a', is 'b'; size was 3, is 4"):
        enter(folder, size=4, name="b")


def test_a_run_of_another_command_is_refused(tmp_path):
    enter(tmp_path / "run")
    with (
        pytest.raises(InputError, match="command was 'build', is 'train'"),
        RunFolder(tmp_path / "run", "train", Small()),
    ):
        pass


def test_a_folder_with_other_files_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(InputError, match="holds other files"):
        enter(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_two_runs_in_one_folder_are_refused(tmp_path):
    with (
        RunFolder(tmp_path / "run", "build", Small()),
        pytest.raises(InputError, match="another run works"),
        RunFolder(tmp_path / "run", "build", Small()),
    ):
        pass
    enter(tmp_path / "run")


def test_an_output_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="file/run"):
        enter(tmp_path / "file" / "run")


def test_json_lines_come_back_and_a_torn_last_line_is_cut_off(tmp_path):
    lines = JsonLines(tmp_path / "rows.jsonl")
    lines.append({"id": 1}, {"id": 2, "text": "Überlagerung\u2028"})
    with lines.path.open("a") as file:
        file.write('{"id": 3, "te')
    assert [row["id"] for row in lines.read()] == [1, 2]
    lines.append({"id": 4})
    assert [row["id"] for row in lines.read()] == [1, 2, 4]


def test_a_broken_line_in_the_middle_is_named(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"id": 1}\nrubbish\n{"id": 2}\n')
    with pytest.raises(InputError, match="line 2 is not JSON"):
        list(JsonLines(path).read())


def test_an_append_survives_the_death_of_the_process(tmp_path):
    code = (
        "import os, sys, pathlib; from radtrace.runs import JsonLines;"
        "JsonLines(pathlib.Path(sys.argv[1])).append({'id': 1}); os._exit(9)"
    )
    path = tmp_path / "rows.jsonl"
    subprocess.run([sys.executable, "-c", code, path], check=False, env=os.environ)
    assert list(JsonLines(path).read()) == [{"id": 1}]


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "card.md"
    write_atomically(path, "first")
    with pytest.raises(TypeError):
        write_atomically(path, 3)
    assert path.read_text() == "first"


def test_progress_counts_on_stderr(capsys):
    with progress("traces", total=4, done=1) as advance:
        advance(2)
        advance(1)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "traces: 4/4" in captured.err
