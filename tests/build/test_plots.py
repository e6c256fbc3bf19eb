from html.parser import HTMLParser
from pathlib import Path

import pytest

from radtrace.build.plots import by_status, figures, histogram, rows, statistics_page

STATISTICS = {
    "traces": 3,
    "traces_by_split": {"train": 2, "val": 1},
    "rejected": 1,
    "steps": 7,
    "steps_with_box": 6,
    "mean_steps_per_trace": 7 / 3,
    "mean_words_per_trace": 20.0,
    "steps_per_trace": {"2": 2, "3": 1},
    "words_per_rationale": {"3": 4, "70": 3},
    "steps_by_domain": {"lung": 4, "general": 3},
    "regions": {"left lung": 4, "spine": 1},
    "findings": {"present": {"Nodule": 2}, "uncertain": {"Mass": 1}, "absent": {"Nodule": 2, "Mass": 4}},
}


def test_a_histogram_has_columns_of_equal_width_without_gaps():
    figure = histogram("w", "Words", "", "words", {"3": 4, "70": 2, "71": 2})
    # 3 to 71 in steps of 5 are 15 columns; of 2, they would be more than 30
    assert len(figure.bars) == 15
    assert (figure.bars[0].label, figure.bars[-1].label) == ("0–4", "70–74")
    assert [bar.count for bar in figure.bars if bar.count] == [4, 4]
    assert figure.bars[0].parts[0].share == 100
    assert figure.table[1] == ("0–4", "4")


def test_bars_of_status_stand_end_to_end_under_a_shared_scale():
    figure = by_status(STATISTICS["findings"])
    nodule, mass = figure.bars
    assert (nodule.label, nodule.count, mass.count) == ("Nodule", 4, 5)
    assert [(part.name, part.start, part.share) for part in nodule.parts] == [("present", 0, 40), ("absent", 40, 40)]
    assert [(part.name, part.start, part.share) for part in mass.parts] == [("uncertain", 0, 20), ("absent", 20, 80)]
    assert figure.table[1] == ("Nodule", "2", "0", "2")


def test_rare_findings_stand_in_the_table_only():
    figure = by_status({"present": {f"F{n:02d}": 50 - n for n in range(40)}, "uncertain": {}, "absent": {}})
    assert (len(figure.bars), figure.hidden, len(figure.table)) == (30, 10, 41)


def test_nothing_to_draw_is_drawn():
    assert rows("r", "Regions", "", {}, {}).bars == ()
    assert by_status({"present": {}, "uncertain": {}, "absent": {}}).bars == ()
    empty = {"regions": {}, "findings": {"present": {}, "uncertain": {}, "absent": {}}}
    assert "None." in statistics_page("x", STATISTICS | empty)


def test_the_page_is_whole_and_names_are_escaped():
    page = statistics_page("<script>alert(1)</script>", STATISTICS)
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")
    open_tags = []

    class Checker(HTMLParser):
        def handle_startendtag(self, tag, _):
            assert tag in {"line", "rect"}

        def handle_starttag(self, tag, _):
            if tag not in {"meta", "link"}:
                open_tags.append(tag)

        def handle_endtag(self, tag):
            assert open_tags.pop() == tag

    checker = Checker()
    checker.feed(page)
    assert open_tags == []
    assert page.count("<svg") == len(figures(STATISTICS)) == 5


CHROMIUM = Path("/usr/bin/chromium")


@pytest.mark.parametrize("width", [1280, 360])
def test_the_page_in_a_browser(tmp_path, width):
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not installed")
    path = tmp_path / "statistics.html"
    path.write_text(statistics_page("Films", STATISTICS), "utf-8")
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
    quiet += ["--disable-component-update", "--disable-sync"]
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=quiet)
        page = browser.new_page(viewport={"width": width, "height": 800})
        said = []
        page.on("console", lambda message: said.append(message.text))
        page.goto(path.as_uri())
        assert said == []  # the policy blocks neither the style nor anything else
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
        bars = page.locator("#findings rect.absent").evaluate_all(
            "all => all.map(e => e.getBoundingClientRect().width)"
        )
        assert bars[1] == pytest.approx(2 * bars[0], rel=0.02)
        names = page.get_by_role("img").evaluate_all("all => all.map(e => e.getAttribute('aria-label'))")
        assert len(names) == 5
        page.locator("#regions summary").click()
        assert page.locator("#regions table").inner_text().splitlines()[1] == "left lung\t4"
        browser.close()
