"""The ranking's page: self-contained, whatever models are called, and whole on a screen and on a phone."""

import re
from pathlib import Path

import pytest

from radtrace.arena import Battle, fit
from radtrace.errors import InputError
from radtrace.pages.leaderboard import write_leaderboard

HOSTILE = "</td><script>alert(1)</script> \"'&amp; a very long name of a model that nobody should have given to it"
CHROMIUM = Path("/usr/bin/chromium")
SIZES = ({"width": 1440, "height": 900}, {"width": 390, "height": 844})


@pytest.fixture(scope="module")
def ranking():
    names = [HOSTILE, *(f"model-{number}" for number in range(15))]
    battles = [
        Battle(a, b, winner)
        for at, a in enumerate(names)
        for b in names[at + 1 :]
        for winner in ("a", "a", "b", "tie", "both_bad")
    ]
    return fit([*battles, Battle("alone", "alone too", "a")], resamples=20)


@pytest.fixture(scope="module")
def page(ranking, tmp_path_factory):
    path = tmp_path_factory.mktemp("pages") / "ranking.html"
    write_leaderboard(ranking, path, "battles.jsonl")
    return path


def test_the_page_holds_every_model_and_fetches_nothing(page, ranking):
    html = page.read_text()
    assert "<script" not in html
    assert not re.search(r"""(?:src|href)=["'](?!data:)|url\(|@import""", html)
    assert re.search(r"default-src 'none'", html)
    for name in ranking.models[1:]:
        assert name in html or name == HOSTILE
    assert html.count('class="name">') == 1 + len(ranking.models)
    assert "alone, alone too" in html


def test_two_models_of_one_strength_have_a_page(tmp_path):
    write_leaderboard(fit([Battle("x", "y", "tie")], resamples=0), tmp_path / "p.html", "t")
    write_leaderboard(fit([Battle("x", "y", "a")], resamples=0), tmp_path / "p.html", "t")
    assert "no interval" in (tmp_path / "p.html").read_text()


def test_a_page_that_cannot_be_written_is_named(ranking):
    with pytest.raises(InputError, match="/proc/"):
        write_leaderboard(ranking, Path("/proc/none/p.html"), "t")


@pytest.mark.parametrize("size", SIZES, ids=["desktop", "phone"])
def test_nothing_runs_over_the_edge(page, size):
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not installed")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"])
        view = browser.new_page(viewport=size)
        complaints: list[str] = []
        view.on("console", lambda message: complaints.append(message.text))
        view.goto(page.as_uri())
        assert view.evaluate("document.documentElement.scrollWidth") <= size["width"]
        assert complaints == []
        cells = view.locator(".map").first.locator("td:not(.same)")
        shades = {cell.evaluate("e => getComputedStyle(e).backgroundColor") for cell in cells.all()[:40]}
        assert len(shades) > 2  # the page's own policy lets its style through
        first = view.locator(".board circle").first.bounding_box()
        assert 0 <= first["x"] <= size["width"]
        browser.close()
