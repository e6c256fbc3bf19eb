from pathlib import Path

import pytest

from radtrace.config import SOURCES, Recipe, Settings, load_recipe, resolve
from radtrace.errors import RecipeError


class Part(Settings):
    size: int = 3
    name: str = "a"


class Whole(Recipe):
    output: Path
    part: Part = Part()
    rate: float = 0.5


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_text('output = "out"\n[part]\nsize = 5\n')
    return path


def test_overrides_are_toml_values_or_plain_text(recipe):
    whole = load_recipe(recipe, Whole, ["part.name=a film, PA", "rate=0.25", "part.size=7"])
    assert (whole.part.name, whole.rate, whole.part.size) == ("a film, PA", 0.25, 7)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("part.sise=7", "unknown setting 'part.sise'"),
        ("rat=1", "did you mean 'rate'"),
        ("part.size=big", "part.size: Input should be a valid integer"),
        ("part.size", "write it as a.b=value"),
        ("rate.x=1", "rate"),
    ],
)
def test_a_wrong_setting_is_named(recipe, override, message):
    with pytest.raises(RecipeError, match=message):
        load_recipe(recipe, Whole, [override])


def test_a_missing_setting_and_all_others_stand_in_one_line(tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_text("rate = 'x'\n")
    with pytest.raises(RecipeError) as error:
        load_recipe(path, Whole)
    assert "output: Field required" in str(error.value)
    assert "rate: " in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"a = = 1", b"\xff\xfe"])
def test_what_is_no_toml_is_refused(tmp_path, content):
    path = tmp_path / "recipe.toml"
    path.write_bytes(content)
    with pytest.raises(RecipeError, match=r"recipe\.toml: not a TOML recipe"):
        load_recipe(path, Whole)


def test_the_digest_is_of_what_decides_the_result(recipe):
    plain = load_recipe(recipe, Whole)
    assert load_recipe(recipe, Whole, ["output=elsewhere"]).digest() == plain.digest()
    assert load_recipe(recipe, Whole, ["part.size=6"]).digest() != plain.digest()


@pytest.mark.parametrize("name", SOURCES)
def test_every_name_of_the_tables_leads_somewhere(name):
    assert callable(resolve(SOURCES, name, "source"))


def test_a_path_of_the_users_own_is_accepted():
    assert resolve(SOURCES, "pathlib:Path", "source") is Path


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("openi2", "did you mean 'openi'"),
        ("no_such_module:Thing", "no module 'no_such_module'"),
        ("pathlib:Thing", "Thing"),
    ],
)
def test_a_name_that_leads_nowhere_is_refused(name, message):
    with pytest.raises(RecipeError, match=message):
        resolve(SOURCES, name, "source")
