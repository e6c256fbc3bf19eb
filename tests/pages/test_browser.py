"""The page in a real Chromium, opened from the disk."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from radtrace.pages import TraceView, write_page

CHROMIUM = Path("/usr/bin/chromium")
_QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not installed")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=str(CHROMIUM), args=_QUIET)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def address(views: list[TraceView], tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("pages") / "traces.html"
    write_page(views, path, "Traces", ["Made for a test."])
    return path.as_uri()


@pytest.fixture
def opened(browser: Any, address: str) -> Iterator[Any]:
    """The page on a desktop; a test fails on any error in the console and any request but for the file and data."""
    context = browser.new_context(viewport=DESKTOP)
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("dialog", lambda dialog: (wrong.append("a dialog opened"), dialog.dismiss()))
    page.on("request", lambda asked: asked.url.startswith(("file:", "data:")) or wrong.append(asked.url))
    page.goto(address)
    yield page
    context.close()
    assert wrong == []


def _study(page: Any) -> str:
    return str(page.locator("#study").text_content())


def test_it_shows_film_steps_findings_and_report(opened: Any, views: list[TraceView]) -> None:
    assert opened.locator(".card").count() == 3
    assert opened.locator("#picture").evaluate("image => image.decode().then(() => image.naturalWidth)") == 128
    assert opened.locator(".card .words").all_inner_texts() == [step.rationale for step in views[0].trace.steps]
    assert opened.locator(".card .picture img").count() == 2  # the general step has no picture
    assert opened.locator(".card").nth(1).locator("mark").all_inner_texts() == ["pleural effusion", "atelectasis"]
    chip = opened.locator(".card").nth(1).locator(".chip").first
    assert chip.inner_text().split("\n") == ["Pleural Effusion", "present, right"]
    assert opened.locator("#boxes .hull").count() == 2
    assert opened.locator("#boxes .region").count() == 3
    for words in ("All the words.", "Small effusion.", "Cough."):
        assert words in opened.locator("#report").inner_text()
    assert "Research use only" in opened.locator(".banner").inner_text()


def test_confidence_stands_below_the_report_and_says_what_was_not_assessed(opened: Any) -> None:
    rows = opened.locator("#confidence tbody tr").evaluate_all(
        "all => all.map(row => [...row.cells].map(c => c.textContent))"
    )
    assert rows == [["pleural effusion", "87%"], ["cardiomegaly", "under 1%"], ["nodule", "not assessed"]]


def test_a_generated_picture_stands_beside_the_film_there(browser: Any, views: list[TraceView], tmp_path: Path) -> None:
    path = tmp_path / "one.html"
    write_page([replace(views[0], real_crops=(views[0].film_png, None, None))], path, "One")
    page = browser.new_page()
    page.goto(path.as_uri())
    cards = [page.locator(".card").nth(number).locator(".picture img").count() for number in range(3)]
    assert cards == [2, 1, 0]
    assert page.get_by_text("the film there").is_visible()
    page.close()


def test_the_box_lies_where_the_record_says(opened: Any, views: list[TraceView]) -> None:
    film = opened.locator("#picture").bounding_box()
    hull = opened.locator("#boxes .hull").first.bounding_box()
    box = views[0].trace.steps[0].box
    assert box is not None
    left, right = film["x"] + box.x1 * film["width"], film["x"] + box.x2 * film["width"]
    assert hull["x"] == pytest.approx(left, abs=3)
    assert hull["x"] + hull["width"] == pytest.approx(right, abs=3)


def test_keys_page_through_traces_and_the_address_follows(opened: Any, views: list[TraceView]) -> None:
    opened.keyboard.press("j")
    assert _study(opened) == views[1].trace.study_id
    opened.keyboard.press("ArrowRight")
    assert _study(opened) == "study-3"
    assert opened.url.endswith("#study-3")
    opened.keyboard.press("j")  # the last one: stays
    assert _study(opened) == "study-3"
    opened.keyboard.press("k")
    opened.keyboard.press("ArrowLeft")
    assert _study(opened) == "study-1"
    assert "Trace 1 of 3" in opened.locator("#live").inner_text()


def test_a_link_opens_its_study(browser: Any, address: str) -> None:
    page = browser.new_page()
    page.goto(f"{address}#study-3")
    assert _study(page) == "study-3"
    page.evaluate("location.hash = '#%E0%A4%A'")  # a broken link changes nothing
    page.evaluate("location.hash = '#study-1'")
    page.wait_for_function("document.getElementById('study').textContent === 'study-1'")
    page.close()


def test_hostile_words_are_shown_as_they_are(opened: Any, views: list[TraceView]) -> None:
    opened.keyboard.press("j")
    shown = opened.locator(".card .words").evaluate_all("all => all.map(words => words.textContent)")
    assert shown == [step.rationale for step in views[1].trace.steps]
    # Spans count code points: the character beyond the basic plane before the words must not move the mark.
    marks = opened.locator(".card mark").evaluate_all("all => all.map(mark => mark.textContent)")
    assert marks == ["cardiomegaly", "pleural effusion", "atelectasis"]
    assert opened.locator("main script, main img[src='x']").count() == 0


def test_a_step_and_its_box_light_each_other(opened: Any) -> None:
    card, group = opened.locator(".card").nth(1), opened.locator("#boxes .step").nth(1)
    card.locator("h2").hover()
    assert "active" in group.get_attribute("class")
    opened.locator("h1").hover()
    assert "active" not in group.get_attribute("class")
    film = opened.locator("#picture").bounding_box()
    corner = opened.locator("#boxes .step").nth(1).locator(".region").first.bounding_box()
    opened.mouse.move(corner["x"] + corner["width"] / 2, corner["y"] + corner["height"] - 4)
    assert "active" in card.get_attribute("class")
    assert "lit" in card.locator(".regions li").first.get_attribute("class")
    opened.mouse.move(film["x"] + 2, film["y"] + 2)
    assert "active" not in card.get_attribute("class")


def test_steps_are_reached_by_keys_and_from_their_boxes(opened: Any) -> None:
    opened.keyboard.press("2")
    assert opened.evaluate("document.activeElement.getAttribute('aria-label')") == "Step 2 of 3, Lungs"
    assert "active" in opened.locator("#boxes .step").nth(1).get_attribute("class")
    opened.keyboard.press("n")
    assert opened.evaluate("document.activeElement.getAttribute('aria-label')") == "Step 3 of 3, General"
    opened.locator(".tag").first.focus()
    assert "active" in opened.locator(".card").first.get_attribute("class")
    opened.keyboard.press("Escape")
    assert opened.locator(".card.active").count() == 0


def test_boxes_can_be_put_away(opened: Any) -> None:
    opened.keyboard.press("b")
    assert not opened.locator("#overlay").is_visible()
    assert opened.locator("#toggle").get_attribute("aria-pressed") == "false"
    opened.locator("#toggle").click()
    assert opened.locator("#overlay").is_visible()


def test_the_filter_finds_studies_and_findings_but_not_denials(opened: Any) -> None:
    opened.keyboard.press("/")
    opened.keyboard.type("study-3")
    assert _study(opened) == "study-3"
    assert opened.locator("#position").inner_text() == "1 / 1 found"
    opened.locator("#filter").fill("effusion right")
    assert opened.locator("#position").inner_text().endswith("3 found")
    opened.locator("#filter").fill("cardiomegaly")  # absent in all three
    assert "No trace matches" in opened.locator("#empty").inner_text()
    opened.locator("#filter").fill("cardiomegaly absent")
    assert opened.locator("#position").inner_text().endswith("3 found")
    opened.keyboard.press("Escape")
    assert opened.locator("#position").inner_text().endswith("/ 3")
    opened.keyboard.press("?")
    assert opened.locator("#keys").is_visible()


def test_a_phone_shows_all_without_scrolling_sideways(browser: Any, address: str) -> None:
    context = browser.new_context(viewport=PHONE, is_mobile=True, has_touch=True)
    page = context.new_page()
    page.goto(address)
    for _ in range(3):
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        page.keyboard.press("j")
    page.locator(".card").nth(1).tap()
    assert "active" in page.locator("#boxes .step").nth(1).get_attribute("class")
    assert page.locator("#picture").bounding_box()["height"] >= 300
    context.close()


def test_a_page_without_traces_says_so(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "empty.html"
    write_page([], path, "Nothing")
    page = browser.new_page()
    page.goto(path.as_uri())
    assert page.locator("#empty").inner_text() == "There are no traces on this page."
    page.close()
