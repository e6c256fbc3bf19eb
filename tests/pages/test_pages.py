"""The file that `write_page` writes, without a browser."""

import json
import re
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import get_args

import pytest

from radtrace.errors import InputError
from radtrace.pages import TraceView, write_page
from radtrace.records import Domain


class _Page(HTMLParser):
    """Elements and the text of each script by id."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: dict[str, str] = {}
        self._open = ""
        self.title = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open = (dict(attrs).get("id") or "code") if tag == "script" else tag

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open == "title":
            self.title += data
        elif self.tags and self.tags[-1][0] == "script" and self._open:
            self.scripts[self._open] = self.scripts.get(self._open, "") + data


def _written(views: list[TraceView], folder: Path, title: str = "Traces") -> tuple[str, _Page]:
    path = folder / "page.html"
    assert write_page(views, path, title) == len(views)
    text = path.read_text("utf-8")
    return text, _Page(text)


def test_every_trace_is_on_the_page_word_for_word(views: list[TraceView], tmp_path: Path) -> None:
    _, page = _written(views, tmp_path)
    for number, view in enumerate(views):
        data = json.loads(page.scripts[f"trace-{number}"])
        assert data["trace"] == view.trace.model_dump(mode="json")
        assert data["film"].startswith("data:image/png;base64,")
        assert [image is None for image in data["images"]] == [image is None for image in view.step_images]
    index = json.loads(page.scripts["index"])
    assert [entry["id"] for entry in index] == [view.trace.study_id for view in views]
    assert ["Pleural Effusion", "present", "right", ""] in index[0]["findings"]


def test_hostile_words_stay_words(views: list[TraceView], tmp_path: Path) -> None:
    title = "</title><script>alert('title')</script>"
    text, page = _written(views, tmp_path, title)
    plain, _ = _written([views[0], views[2]], tmp_path)
    assert page.title == title
    assert text.count("<script") == plain.count("<script") + 1  # one more trace, nothing else
    assert text.count("</script") == plain.count("</script") + 1
    assert "<!--" not in text.split('id="trace-0"')[1]
    assert "\u2028" not in text
    assert "alert(1)</script>" not in text


def test_nothing_is_fetched_and_nothing_else_may_run(views: list[TraceView], tmp_path: Path) -> None:
    text, page = _written(views, tmp_path)
    links = [attributes.get(name) for _, attributes in page.tags for name in ("src", "href")]
    assert all(link.startswith(("data:", "#")) for link in links if link)
    addresses = set(re.findall(r"(?:https?:)?//[\w.-]+\.\w+", re.sub(r"base64,[\w+/=]+", "", text)))
    assert addresses == {"http://www.w3.org"}  # the name of the SVG namespace, not an address
    policy = next(dict(a)["content"] for t, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "unsafe" not in policy
    assert "Research use only" in text


def test_every_domain_has_a_name_and_a_colour(tmp_path: Path) -> None:
    text, _ = _written([], tmp_path)
    for domain in get_args(Domain):
        assert f'{domain}: "' in text
        assert f'[data-domain="{domain}"] {{ --tone' in text


def test_an_empty_page_is_a_page(tmp_path: Path) -> None:
    _, page = _written([], tmp_path)
    assert json.loads(page.scripts["index"]) == []


def test_names_that_are_no_text_do_not_stop_the_page(views: list[TraceView], tmp_path: Path) -> None:
    _, page = _written(views, tmp_path, "folder \udcff")  # as Python reads a file name that is no UTF-8
    assert page.title.startswith("folder ")


def test_a_failure_leaves_the_old_page_and_no_litter(views: list[TraceView], tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("old")

    def failing() -> Iterator[TraceView]:
        yield views[0]
        yield TraceView(views[1].trace, b"GIF89a", views[1].step_images)

    with pytest.raises(InputError, match="film is neither PNG nor JPEG"):
        write_page(failing(), path, "Traces")
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["page.html"]


def test_a_wrong_number_of_pictures_is_a_fault_of_ours(views: list[TraceView], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="3 steps but 1 step images"):
        write_page([TraceView(views[0].trace, views[0].film_png, (None,))], tmp_path / "page.html", "Traces")


def test_a_place_that_cannot_be_written_is_one_line(views: list[TraceView], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        write_page(views, tmp_path / "file" / "page.html", "Traces")


def test_memory_does_not_grow_with_the_number_of_traces(views: list[TraceView], tmp_path: Path) -> None:
    """200 traces of 1 MB each (as base64) are never together in memory."""
    picture = views[0].film_png + bytes(750_000)

    def many(count: int) -> Iterator[TraceView]:
        for _ in range(count):
            yield TraceView(views[0].trace, picture, views[0].step_images)

    tracemalloc.start()
    try:
        assert write_page(many(200), tmp_path / "page.html", "Traces") == 200
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (tmp_path / "page.html").stat().st_size > 200_000_000
    assert peak < 20_000_000


def test_the_film_stands_beside_a_generated_picture(views: list[TraceView], tmp_path: Path) -> None:
    crops = (views[0].film_png, None, None)
    _, page = _written([replace(views[0], real_crops=crops), views[1]], tmp_path)
    first, second = (json.loads(page.scripts[f"trace-{number}"])["crops"] for number in range(2))
    assert [crop is None for crop in first] == [False, True, True]
    assert second == []
    with pytest.raises(ValueError, match="3 steps but 1 crops"):
        write_page([replace(views[0], real_crops=crops[:1])], tmp_path / "p.html", "x")
