"""A trace on its way to or from a model: text and pictures in turn, without pixels and without tokens."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from radtrace.records import LocalizedImage


@dataclass(frozen=True, slots=True)
class Text:
    """Characters that a model reads or writes."""

    text: str


@dataclass(frozen=True, slots=True)
class Picture:
    """Where a localized image stands, the tokens that open and close it included.

    step: index of its step in the trace; a parser goes by the place, not by this number.
    image: which picture it is; its `uri` leads to the pixels.
    """

    step: int
    image: LocalizedImage


Segment = Text | Picture


class Draft:
    """Segments while they are written; text that follows text becomes one segment with it."""

    def __init__(self) -> None:
        self._segments: list[Segment] = []
        self._text: list[str] = []

    def text(self, *parts: str) -> None:
        """More characters."""
        self._text.extend(parts)

    def picture(self, step: int, image: LocalizedImage) -> None:
        """The picture of a step."""
        self._flush()
        self._segments.append(Picture(step, image))

    def segments(self) -> tuple[Segment, ...]:
        """All that was written."""
        self._flush()
        return tuple(self._segments)

    def _flush(self) -> None:
        if text := "".join(self._text):
            self._segments.append(Text(text))
        self._text.clear()


def written(segments: Iterable[Segment], picture: str = "<image></image>") -> str:
    """The segments as one text with a mark for each picture, as JSON and the canonical `grammar` have it."""
    return "".join(segment.text if isinstance(segment, Text) else picture for segment in segments)


_MARK = re.compile(r"<image>(?:</image>)?")


def segments_of(text: str, images: Sequence[LocalizedImage]) -> tuple[Segment, ...]:
    """The text with the n-th `<image>` or `<image></image>` in it replaced by the n-th image.

    A mark past the last image stays text, which a parser reports as a picture that is missing; an image past the last
    mark is left out.
    """
    draft, end = Draft(), 0
    for number, (mark, image) in enumerate(zip(_MARK.finditer(text), images, strict=False)):
        draft.text(text[end : mark.start()])
        draft.picture(number, image)
        end = mark.end()
    draft.text(text[end:])
    return draft.segments()


_CHARACTER = re.compile(r"\S")

ANY_PICTURE = "\N{OBJECT REPLACEMENT CHARACTER}"
"""Stands for a picture in a `Script`'s text. The same character in a model's own words is no picture."""


class Script:
    """Segments as one text in which a picture is one character.

    pictures: place in the text -> the picture there.
    """

    def __init__(self, segments: Iterable[Segment]) -> None:
        self.pictures: dict[int, LocalizedImage] = {}
        self._starts: list[int] = []
        parts: list[str] = []
        length = 0
        for segment in segments:
            self._starts.append(length)
            if isinstance(segment, Picture):
                self.pictures[length] = segment.image
            parts.append(segment.text if isinstance(segment, Text) else ANY_PICTURE)
            length += len(parts[-1])
        self.text = "".join(parts)

    def starts(self) -> Sequence[int]:
        """Where each segment begins."""
        return self._starts

    def pictures_in(self, start: int, end: int) -> Iterator[tuple[int, LocalizedImage]]:
        """The pictures in [start, end) of the text, in order."""
        at = self.text.find(ANY_PICTURE, start, end)
        while at >= 0:
            if at in self.pictures:
                yield at, self.pictures[at]
            at = self.text.find(ANY_PICTURE, at + 1, end)

    def first_word(self, start: int, end: int) -> int | None:
        """Where the first character of [start, end) stands that is neither white space nor a picture."""
        found = (match.start() for match in _CHARACTER.finditer(self.text, start, end))
        return next((at for at in found if at not in self.pictures), None)

    def words(self, start: int, end: int) -> str:
        """The characters of [start, end) that are no pictures."""
        parts, at = [], start
        for place, _ in self.pictures_in(start, end):
            parts.append(self.text[at:place])
            at = place + 1
        return "".join((*parts, self.text[at:end]))
