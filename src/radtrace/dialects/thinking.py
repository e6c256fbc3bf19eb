"""What the dialects have in common that think between `<think>` and `</think>` and then conclude."""

import re
from dataclasses import dataclass

from radtrace.dialects.parsed import Problems
from radtrace.dialects.segments import Script

TAGS = ("think", "answer")


@dataclass(frozen=True, slots=True)
class Element:
    """What stands between a tag and its end, [start, end) of the script's text; outer: tags included."""

    start: int
    end: int
    outer: tuple[int, int]


def elements(script: Script, names: tuple[str, ...], problems: Problems) -> dict[str, Element]:
    """The first element of each name, not nested in another; what breaks that order is a problem.

    `</think>` without `<think>` closes what began with the text, as chat templates put the opening tag in the prompt.
    """
    found: dict[str, Element] = {}
    open_name, open_tag = "", (0, 0)
    for match in re.finditer(rf"<(/?)({'|'.join(names)})>", script.text, re.IGNORECASE | re.ASCII):
        name, closes = match[2].lower(), bool(match[1])
        if closes and not open_name and name == names[0] and not found:
            problems.add("unopened", match.start())
            found[name] = Element(0, match.start(), (0, match.end()))
        elif closes and name == open_name:
            found.setdefault(name, Element(open_tag[1], match.start(), (open_tag[0], match.end())))
            open_name = ""
        elif closes:
            problems.add("unopened", match.start())
        else:
            if name in found or name == open_name:
                problems.add("repeated", match.start())
            if open_name and name != open_name:
                problems.add("unclosed", open_tag[0])
                found.setdefault(open_name, Element(open_tag[1], match.start(), (open_tag[0], match.start())))
            if name != open_name:
                open_name, open_tag = name, match.span()
    if open_name:
        problems.add("unclosed", open_tag[0])
        end = len(script.text)
        found.setdefault(open_name, Element(open_tag[1], end, (open_tag[0], end)))
    return found


def check_rest(script: Script, known: list[Element], problems: Problems) -> None:
    """Words and pictures outside of the known elements are misplaced, and so are all pictures."""
    at = 0
    for start, end in (*sorted(element.outer for element in known), (len(script.text), len(script.text))):
        if (word := script.first_word(at, start)) is not None:
            problems.add("misplaced", word)
        at = max(at, end)
    for place in script.pictures:
        problems.add("misplaced", place)


def check_order(elements: dict[str, Element], problems: Problems) -> None:
    """A conclusion that stands before the thinking is misplaced; both are read."""
    if set(TAGS) <= set(elements) and elements["answer"].start < elements["think"].start:
        problems.add("misplaced", elements["answer"].outer[0])


BRACKETS = re.compile(r"\s{0,9}\[([^\[\]\n]{0,100})\]")
"""A box, or something else in brackets."""
