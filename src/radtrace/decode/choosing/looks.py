"""One look at each domain: the steps of a trace that are about the same part of the chest, made one.

Reports find something and go on to what is normal beside it, so samples come in steps of one statement each. A trace,
as `radtrace.build` makes it and as MMRad-IVL Sec. 3.1 shows it, looks once at the mediastinum, once at the lungs, once
at the bones. The report keeps its own order.
"""

from collections.abc import Sequence
from dataclasses import replace

from radtrace.decode.guide import Guide, domain_of
from radtrace.decode.writer import Draft, echo
from radtrace.dialects.decisions import BETWEEN, NONE

_STEP, _END = '<step region="', "</step>\n"


def once_each(draft: Draft, guide: Guide) -> Draft:
    """The trace with one step a domain, in the order in which these are first named; its box is the guide's."""
    *steps, report = draft.text.split(_END)
    looks: dict[str, list[tuple[str, str, str]]] = {}
    for step, words in zip(steps, draft.words, strict=True):
        place, _, rest = step.removeprefix(_STEP).partition('"><findings>')
        looks.setdefault(domain_of(place), []).append((place, rest.partition("</findings>")[0], words))
    told = [_told(parts, guide) for parts in looks.values()]
    text = "".join(f"{text}{_END}" for text, _ in told) + report
    return replace(draft, text=text, words=[words for _, words in told], steps=len(told))


def _told(parts: Sequence[tuple[str, str, str]], guide: Guide) -> tuple[str, str]:
    """The text of a step, but for its end, and its words."""
    place = ", ".join(dict.fromkeys(name for names, _, _ in parts for name in names.split(", ")))
    items = dict.fromkeys(item for _, decision, _ in parts for item in decision.split(BETWEEN) if item != NONE)
    words = echo([words for _, _, words in parts])
    box = guide.box(place)
    drawn = f"\n<box>{box}</box>" if box else ""
    return f'{_STEP}{place}"><findings>{BETWEEN.join(items) or NONE}</findings>{words}{drawn}', words
