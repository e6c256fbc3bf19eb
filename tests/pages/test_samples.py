"""The page of two models' samples, as a file and in a real Chromium; the page of tables."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from radtrace.errors import InputError
from radtrace.evaluate.runs import Run, ScoredRun
from radtrace.evaluate.scored import Measured, Scored
from radtrace.evaluate.tables import Drawing, table
from radtrace.metrics.scores import ratio
from radtrace.pages import TraceView
from radtrace.pages.samples import Contest, SampleView, write_samples
from radtrace.pages.tables import tables_page

CHROMIUM = Path("/usr/bin/chromium")
HOSTILE_NAME = "</script><script>alert(1)</script> Ours"


def _measured(name: str, values: list[float | None], lower: bool) -> Measured:
    numbers = np.array(values, np.float64)
    rows = np.stack([np.nan_to_num(numbers), ~np.isnan(numbers)], axis=1).astype(np.float64)
    signature = f"{name}|better:lower|v:1" if lower else f"{name}|v:1"
    return Measured(name, signature, numbers, rows, ~np.isnan(numbers), ratio, True)


def _scored(path: str, rouge: list[float | None], cost: list[float | None], views: list[TraceView]) -> Scored:
    ids = tuple(view.trace.study_id for view in views)
    strata = ({"source": ("openi",)}, {}, {"source": ("nih",), "finding": ("Edema",)})
    metrics = {"rouge_l": _measured("rouge_l", rouge, False), "cost": _measured("cost", cost, True)}
    return Scored(Path(path), ids, np.array([False, False, path == "b"]), strata, metrics)


@pytest.fixture
def contest(views: list[TraceView]) -> Contest:
    first = _scored("a", [0.5, 0.2, 0.4], [1.0, None, 3.0], views)
    second = _scored("b", [0.6, 0.9, 0.0], [2.0, 1.0, 1.0], views)
    return Contest(("Base", HOSTILE_NAME), first, second, ("rouge_l", "cost"))


@pytest.fixture
def samples(views: list[TraceView]) -> list[SampleView]:
    """The second model has no trace of the third sample."""
    return [
        SampleView(
            place,
            view.trace.view,
            view.film_png,
            ((view.trace, view.step_images), None if place == 2 else (view.trace, view.step_images)),
        )
        for place, view in enumerate(views)
    ]


@pytest.fixture
def path(samples: list[SampleView], contest: Contest, tmp_path: Path) -> Path:
    assert write_samples(samples, contest, tmp_path / "samples.html", "Base and ours") == 3
    return tmp_path / "samples.html"


def test_the_file_holds_scores_and_traces_and_nothing_runs(path: Path) -> None:
    text = path.read_text("utf-8")
    index = json.loads(text.split('id="index">')[1].split("</script>")[0])
    assert index["names"] == ["Base", HOSTILE_NAME]
    assert [metric["lower"] for metric in index["metrics"]] == [False, True]
    assert index["samples"][1]["scores"] == [[0.2, 0.9], [None, 1.0]]
    assert index["samples"][2]["failed"] == [False, True]
    assert "alert(1)</script>" not in text
    assert text.count("<script") == 3 + 1 + 1  # samples, index, ours
    assert "default-src 'none'" in text


def test_a_picture_that_is_none_is_named(samples: list[SampleView], contest: Contest, tmp_path: Path) -> None:
    broken = SampleView(0, samples[0].view, b"GIF89a", samples[0].sides)
    with pytest.raises(InputError, match="study-1: film is neither PNG nor JPEG"):
        write_samples([broken], contest, tmp_path / "page.html", "Title")
    assert not list(tmp_path.iterdir())


@pytest.fixture
def opened(path: Path) -> Iterator[Any]:
    """The page on a desktop; a test fails on any error in the console and any request but for the file and data."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not installed")
    flags = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=flags)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        wrong: list[str] = []
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", lambda dialog: (wrong.append("a dialog opened"), dialog.dismiss()))
        page.on("request", lambda asked: asked.url.startswith(("file:", "data:")) or wrong.append(asked.url))
        page.goto(path.as_uri())
        yield page
        browser.close()
    assert wrong == []


def _listed(page: Any) -> list[str]:
    names = page.locator("#rows button").all_text_contents()
    return [name.split()[0] for name in names]


def test_samples_are_sorted_shown_and_filtered(opened: Any, views: list[TraceView]) -> None:
    page = opened
    # Differences of rouge_l: +.1, +.7, -.4; of the cost, where lower is better: +1, none, -2.
    assert _listed(page) == ["study-2", "study-3", "study-1"]
    for order, expected in (
        ("worse", ["study-3", "study-1", "study-2"]),
        ("better", ["study-2", "study-1", "study-3"]),
        ("first", ["study-2", "study-3", "study-1"]),
        ("second", ["study-3", "study-1", "study-2"]),
        ("id", ["study-1", "study-2", "study-3"]),
    ):
        page.locator("#order").select_option(order)
        assert _listed(page) == expected, order
    page.locator("#metric").select_option("1")
    page.locator("#order").select_option("worse")
    assert _listed(page) == ["study-1", "study-3", "study-2"]  # without a difference: last
    assert page.locator("#rows tr").first.locator("td").last.text_content() == "+1.000"
    assert page.locator("#rows tr").first.locator("td").last.get_attribute("class") == "loss"

    page.locator("#rows tr").first.click()
    assert page.locator("#study").text_content() == "study-1"
    assert page.locator(".side h2").all_text_contents() == ["Base", HOSTILE_NAME]
    assert page.locator(".side .card").count() == 6
    assert page.locator("#boxes rect").count() == 4  # two steps with a box on each side
    assert page.locator("#score-rows td").all_text_contents() == [
        "0.500",
        "0.600",
        "+0.100",
        "1.000",
        "2.000",
        "+1.000",
    ]
    page.locator("#toggles button").first.click()
    assert [rect.is_visible() for rect in page.locator("#boxes rect").all()] == [False, False, True, True]
    page.locator(".card").nth(1).hover()
    assert "active" in page.locator("#boxes .step").nth(1).get_attribute("class")

    page.keyboard.press("j")
    assert page.locator("#study").text_content() == "study-3"
    assert "failed" in page.locator(".side").nth(1).inner_text()
    assert "no trace" in page.locator(".side").nth(1).inner_text()
    page.locator("#filter").fill("edema")
    assert _listed(page) == ["study-3"]
    page.locator("#filter").fill("nothing like it")
    assert page.locator("#empty").inner_text() == "No sample matches."
    page.locator("#filter").fill("")
    page.locator("#rows tr").last.click()
    assert page.locator("#study").text_content() == views[1].trace.study_id  # hostile words as they are

    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_tables_keep_hostile_names_as_words_and_run_nothing(contest: Contest) -> None:
    runs = [ScoredRun(Run(scores=Path("a"), model=name), contest.first, 3, 0) for name in ("Base", HOSTILE_NAME)]
    page = tables_page([table(runs, "all", Drawing(resamples=100))], "<b>Results</b>", 2)
    assert "<script" not in page
    assert "&lt;/script&gt;&lt;script&gt;alert(1)" in page
    assert "<h1>&lt;b&gt;Results&lt;/b&gt;</h1>" in page
    assert 'aria-label="lower is better">&darr;' in page
    assert "default-src 'none'" in page
    assert '<th scope="colgroup" colspan="1" class="group">Language</th>' in page
