import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import radtrace as package
from radtrace.cli import COMMANDS

ROOT = Path(__file__).parents[2]
HEAVY = {"torch", "datasets", "pyarrow", "numpy", "pydantic", "jinja2"}


def test_help_imports_nothing_heavy():
    script = (
        "import sys\nsys.argv = ['radtrace', '--help']\nfrom radtrace.cli import main\n"
        "try:\n    main()\nfinally:\n    print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "Page through traces" in done.stdout
    assert not HEAVY & set(done.stdout.split())


def test_the_version(radtrace):
    assert radtrace("--version").stdout.strip() == f"radtrace, version {package.__version__}"
    assert f'version = "{package.__version__}"' in (ROOT / "pyproject.toml").read_text()


def test_an_unknown_command_is_answered(radtrace):
    done = radtrace("biuld")
    assert done.returncode == 2
    assert "did you mean 'build'" in done.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_the_page_of_a_command_holds_its_help(radtrace, name):
    text = radtrace(name, "--help", COLUMNS="100").stdout
    page = (ROOT / "docs" / f"{name}.md").read_text()
    assert text.strip() in page
    assert "Examples:" in text


def test_every_path_that_the_readme_names_is_there():
    for name in re.findall(r"\]\(((?!http)[^)#]+)\)", (ROOT / "README.md").read_text()):
        assert (ROOT / name).exists(), name


def test_a_fault_of_ours_has_its_own_status(radtrace, tmp_path):
    (tmp_path / "sources.py").write_text(
        "from radtrace.sources import Source\n"
        "class Broken(Source):\n    def studies(self):\n        raise ZeroDivisionError\n"
    )
    (tmp_path / "r.toml").write_text('output = "out"\n[source]\nkind = "sources:Broken"\nroot = "."\n')
    done = radtrace("build", "r.toml", PYTHONPATH=str(tmp_path))
    assert done.returncode == 3
    assert "fault of radtrace" in done.stderr.splitlines()[-1]


def test_a_wrong_recipe_is_one_line(radtrace, tmp_path):
    (tmp_path / "r.toml").write_text('output = "out"\n[source]\nkind = "openi"\nroot = "nowhere"\n')
    for arguments in (
        ["missing.toml"],
        ["r.toml"],
        ["r.toml", "--set", "seeds=3"],
        ["r.toml", "--set", "output=/proc/x"],
    ):
        done = radtrace("build", *arguments)
        assert done.returncode == 2, done.stderr
        assert len(done.stderr.splitlines()) == 1
        assert done.stderr.startswith("radtrace: ")


def test_build_show_and_strict(radtrace, tmp_path):
    settings = ["--set", "output=out", "--set", "source.count=6", "--set", "source.side=128", "--set", "workers=1"]
    built = radtrace("build", ROOT / "recipes" / "phantoms.toml", *settings, "--json")
    assert built.returncode == 0, built.stderr
    assert json.loads(built.stdout)["traces"] == 6
    assert "6/6" in built.stderr
    shown = radtrace("show", "out", "--limit", "2", "-o", "page.html")
    assert shown.returncode == 0, shown.stderr
    assert "2 of 6 traces" in shown.stdout
    assert "phantom-0000" in (tmp_path / "page.html").read_text()
    assert radtrace("show", "nowhere").returncode == 2

    lines = [{"study_id": name, "image": "x.png", "projection": "lateral", "findings": "Clear."} for name in "ab"]
    (tmp_path / "t.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = radtrace("build", ROOT / "recipes" / "table.toml", "--set", "source.root=.", "--set", "source.table=t.jsonl")
    assert done.returncode == 1
    assert "2 of 2 studies rejected" in done.stderr


def test_the_demo_makes_its_page_without_a_model(radtrace, tmp_path):
    done = radtrace("demo", "--count", "2", "--no-open", "-o", "d", RADTRACE_WEIGHTS=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "not read but built from their reports: RADTRACE_WEIGHTS=" in done.stderr.splitlines()[0]
    assert (tmp_path / "d" / "traces.html").stat().st_size > 100_000
    assert radtrace("demo", "--count", "2", "--no-open", "-o", "d", RADTRACE_WEIGHTS=str(tmp_path)).returncode == 0
