"""Report text to sections and sentences.

Nothing is lost: words under no known heading stay in the section where they stand, and every non-blank character of a
section belongs to exactly one sentence.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal
from xml.parsers import expat

from radtrace.errors import InputError
from radtrace.records import Record, Report, Span

Section = Literal["findings", "impression", "indication", "comparison", "technique"]

_DANGLING = re.compile(
    r"\b(?:an?|the|of|and|n?or|with(?:out)?|no|is|are|was|were|be|ha(?:s|ve)|in|on|at|to|for|from|by|as|than|there|that"
    r"|which|these|this|its)[^a-z0-9]*\Z",
    re.IGNORECASE,
)
_STUDY = r"(?:the |this )?(?:exam(?:ination)?|study|request|visit|referral|procedure)"
_PRIORS = r"(?:study|studies|exams?|examinations?|films?|imaging|images|radiographs?|reports?|dates?)"
_ADVICE = r" ?(?:and|&|/) ?recommendations?"
_HEADINGS: dict[Section, str] = {
    "findings": r"(?:(?:chest|radiographic|radiologic|radiological|imaging|x-?ray|xr|cxr|lung|key) )?findings?"
    r"(?: ?(?:and|&|/) ?(?:impressions?|conclusions?))?|results?|observations?|report|body of report",
    "impression": rf"(?:overall |final )?impressions?(?:{_ADVICE})?|imp|conclusions?(?:{_ADVICE})?|opinion|summary"
    r"|assessment|interpretation|final diagnosis",
    "indication": rf"(?:clinical )?indications?(?: for {_STUDY})?(?: ?(?:and|&|/) ?(?:clinical )?history)?"
    r"|(?:clinical |patient |medical |brief |relevant )?history(?: ?(?:and|&|/) ?indications?)?"
    r"|clinical (?:information|info|data|details?|statement|question|context|presentation|background|notes?)"
    rf"|symptoms?|(?:reason|rationale)(?: for {_STUDY})?",
    "comparison": rf"comparisons?(?: {_PRIORS})?|compared (?:to|with)|(?:prior|previous) {_PRIORS}",
    "technique": r"techniques?|exam(?:ination)?s?(?: (?:type|performed|description|date))?|stud(?:y|ies)|procedures?"
    r"|modality|views?|projections?|type of (?:exam(?:ination)?|study)|protocol|methods?",
}
_NAMES = "|".join(f"(?P<{section}>{names})" for section, names in _HEADINGS.items())
# A name, and what follows it: a colon, the end of the line, or (for names in capitals) a dash or a word in lower case.
_HEADING = re.compile(
    rf"(?<![\w/-])(?:{_NAMES})(?:(?P<colon>[*_\]>]*[ \t]*:[*_\]>]*)|(?P<alone>[*_\]>. \t-]*(?=\r|\n|\Z))"
    r"|(?P<plain>[ \t]+(?:-+[ \t]+|(?-i:(?=[A-Z]?[a-z])))))",
    re.IGNORECASE,
)
_OPENS_LINE = re.compile(r"(?:^|[\r\n])[#>*_\-•<\[ \t]*(?:\(?\d{1,2}[.)][ \t]*)?[*_\[<]*\Z")
_AFTER_STOP = re.compile(r"[.?!;:\])][ \t*_]*\Z")
_BLANK_LINE = re.compile(r"\n[ \t\r]*\n")
_LINE_BACK = 40
"""Characters looked back for the opening of a line: longer than any opening worth reading."""


def dangles(sentence: str) -> bool:
    """Whether it ends in a word that something must follow."""
    return _DANGLING.search(sentence) is not None


def has_words(text: str | None) -> bool:
    """Whether a text says anything: it has a letter or a digit. Blanks, marks and signs of no width are no words."""
    return text is not None and any(map(str.isalnum, text))


def sections(text: str) -> Report:
    """The sections of a report, each verbatim without its heading; a section named twice is joined by a line break.

    A heading is a known name with a colon (opening a line, after a stop, or in capitals anywhere), alone on its line,
    or in capitals before a word in lower case. Other headings ("LUNGS:") are words of the section where they stand.
    Text without headings is findings. Where headings stand but none says findings, these are the paragraphs after the
    first one under the last heading before the impression; failing these, the words before the first heading, which
    otherwise ("CHEST PA AND LATERAL") are technique.
    """
    bodies = [(section, text[start:end].strip()) for section, start, end in section_ranges(text)]
    return Report(
        **{name: "\n".join(body for section, body in bodies if body and section == name) for name in _HEADINGS}
    )


def section_ranges(text: str) -> list[tuple[Section, int, int]]:
    """(section, start, end) of the parts of a report in order, without their headings; see `sections`."""
    heads = list(_headings(text))
    ends = [start for _, start, _ in heads[1:]] + [len(text)] * bool(heads)
    parts = [(section, start, end) for (section, _, start), end in zip(heads, ends, strict=True)]
    if all(section != "findings" for section, _, _ in parts):
        parts = _with_unnamed_findings(text, parts)
    before: Section = "technique" if any(section == "findings" for section, _, _ in parts) else "findings"
    return [(before, 0, heads[0][1] if heads else len(text)), *parts]


def _with_unnamed_findings(text: str, parts: list[tuple[Section, int, int]]) -> list[tuple[Section, int, int]]:
    """The same, the later paragraphs of the last section before the impression being split off as findings."""
    names = [section for section, _, _ in parts]
    last = (names.index("impression") if "impression" in names else len(names)) - 1
    if last < 0:
        return parts
    section, start, end = parts[last]
    blank = _BLANK_LINE.search(text, _skip_blanks(text, start), end)
    if blank is None or not text[blank.end() : end].strip():
        return parts
    return [*parts[:last], (section, start, blank.start()), ("findings", blank.end(), end), *parts[last + 1 :]]


def _headings(text: str) -> Iterator[tuple[Section, int, int]]:
    """(section, start of the heading with its markup, start of the words under it) in order."""
    for match in _HEADING.finditer(text):
        back = text[max(0, match.start() - _LINE_BACK) : match.start()]
        opening = _OPENS_LINE.search(back) if match.start() <= _LINE_BACK or "\n" in back or "\r" in back else None
        section = next(section for section in _HEADINGS if match[section])
        capitals = match[section].isupper()
        if match["colon"]:
            is_heading = bool(opening or _AFTER_STOP.search(back) or (capitals and back[-1:].isspace()))
        elif match["alone"] is not None:
            is_heading = bool(opening) and match[section][:1].isupper()
        else:
            is_heading = bool(opening) and capitals
        if is_heading:
            start = match.start() - len(opening[0].lstrip("\r\n")) if opening else match.start()
            yield section, start, match.end()


_ABBREVIATIONS = frozenset(
    ("dr", "mr", "mrs", "ms", "prof", "vs", "approx", "fig", "figs", "ca", "cf", "e.g", "i.e", "resp", "incl")
)
"""Words whose full stop ends no sentence. "No." and "a.m." depend on what follows."""
_COUNTED = frozenset(("rib", "ribs", "grade", "stage", "type", "level", "segment", "view", "views", "of"))
"""Words before a number that is no list number, even where the next item is due."""

# Where a sentence may end: stops with the strays after them ("..", ". .") and closing marks, or line breaks.
# The look-behind lets a run of blanks be tried from its first one only, which keeps long runs linear.
_END = re.compile(r"""[.!?]+(?:[ \t]*\.(?!\d))*["'”’)\]]*|(?<!\s)[^\S\r\n]*[\r\n]\s*""")
_LIST_NUMBER = re.compile(r"(?:\(?(\d{1,2})[.)](?!\d)|[-*•–])\s*(?=\S)")
_LONE_NUMBER = re.compile(r"\(?\d{0,2}[.)]?\W*")
_WORDS_BACK = 80
"""Characters looked back for the words before a stop."""
_WRAPPED_LINE = 50
"""A line at least this long may break before an abbreviation in mid-sentence."""


def sentences(text: str) -> tuple[Span, ...]:
    """Where the sentences of a section stand, without the blanks around them.

    Every non-blank character belongs to exactly one sentence: a list number ("1. ", "- ") to the sentence that it
    opens, a stray stop to the one before it. A line break ends a sentence unless the next line goes on in lower case.
    """
    return tuple(Span(start=start, end=end) for start, end in sentence_bounds(text))


def sentence_bounds(text: str) -> list[tuple[int, int]]:
    """`sentences` as plain (start, end)."""
    bounds: list[tuple[int, int]] = []
    item = 0
    start = _skip_blanks(text, 0)
    while start < len(text):
        opening = _LIST_NUMBER.match(text, start)
        item = int(opening[1]) if opening and opening[1] else item
        end = _sentence_end(text, start, opening.end() if opening else start, item + 1)
        words = text[start:end].rstrip()
        if bounds and _LONE_NUMBER.fullmatch(words):
            bounds[-1] = (bounds[-1][0], start + len(words))
        else:
            bounds.append((start, start + len(words)))
        start = _skip_blanks(text, end)
    return bounds


def without_list_number(text: str, start: int, end: int) -> int:
    """Where the words of the sentence at [start, end) begin, after its list number or bullet if it has one."""
    opening = _LIST_NUMBER.match(text, start, end)
    return opening.end() if opening else start


def _skip_blanks(text: str, start: int) -> int:
    while start < len(text) and text[start].isspace():
        start += 1
    return start


def _sentence_end(text: str, start: int, first_word: int, next_item: int) -> int:
    """End of the sentence at `start`, whose words begin at `first_word`; `next_item` is the list number due next."""
    for match in _END.finditer(text, first_word):
        if match.start() == first_word:
            continue
        last = match.start()
        while text[last - 1].isspace():
            last -= 1
        before = text[max(start, last - _WORDS_BACK) : last].split()
        if before[-1] == str(next_item) and len(before) > 1 and next_item > 1 and before[-2].lower() not in _COUNTED:
            return last - len(before[-1])
        if match[0].isspace():
            if _breaks_line(text, match.start(), match.end()):
                return match.start()
        elif _is_stop(before, text[match.end() : match.end() + 8]):
            return match.end()
    return len(text)


def _is_stop(before: list[str], after: str) -> bool:
    """Whether the full stop between these words and characters ends a sentence."""
    word = before[-1].lower().lstrip("([")
    following = after.lstrip()
    if not following:
        return True
    if following == after:
        return _is_stop_without_blank(before[-1], after)
    if word in _ABBREVIATIONS or (word == "no" and following[0].isdigit()):
        return False
    if word in ("a.m", "p.m"):
        return following[0].isupper()
    is_initial = len(word) == 1 and word.isalpha() and len(before) > 1 and before[-2].endswith(".")
    return not (is_initial and following[0].isupper())


def _is_stop_without_blank(word: str, after: str) -> bool:
    """The same where no blank follows: "clear.No effusion" ends a sentence; "2.5", "M.D.", "XXXX.XXXX" do not."""
    if after[0].isdigit():
        return word[-1].isalpha() and _LIST_NUMBER.match(after) is not None
    letters = word.lstrip("([")
    return (
        len(letters) > 1
        and letters[-1].isalnum()
        and "." not in letters
        and after[:2].isalpha()
        and after[:4] != "XXXX"
    )


def _breaks_line(text: str, start: int, end: int) -> bool:
    """Whether the line break at start..end ends a sentence."""
    if end == len(text) or text.count("\n", start, end) > 1 or _LIST_NUMBER.match(text, end):
        return True
    if not text[end].isupper() or text[start - 1] in ",:(/":
        return False
    line = text[max(0, start - _WRAPPED_LINE) : start]
    is_long = len(line) == _WRAPPED_LINE and "\n" not in line and "\r" not in line
    word = text[end : end + _WORDS_BACK].split(maxsplit=1)[0]
    return not (is_long and len(word) > 1 and word.isupper())


class OpenIReport(Record):
    """One report of the Indiana University collection. uid: "3029"; images: "CXR3029_IM-1404-1001" and so on."""

    uid: str
    report: Report
    images: tuple[str, ...]


def report_from_openi_xml(source: Path | bytes) -> OpenIReport:
    """The report, its id and its images from the collection's own XML; the captions of the images are its technique.

    The MeSH terms are labels of the study and are never read. A document type declaration is refused, so no entity is
    ever expanded.

    Raises:  InputError, with the file's name, where the XML or the report in it cannot be read.
    """
    name = os.fsencode(source.name).decode("utf-8", "backslashreplace") if isinstance(source, Path) else "Open-I XML"
    try:
        data = source.read_bytes() if isinstance(source, Path) else source
    except OSError as error:
        raise InputError(f"{name}: cannot be read: {error.strerror}") from error
    reader = _OpenIReader()
    try:
        reader.parse(data)
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise InputError(f"{name}: not a readable Open-I XML report: {error}") from error
    if not reader.uid:
        raise InputError(f"{name}: no <uId id=…>: not an Open-I report")
    texts = {section: "\n".join(filter(None, map(str.strip, reader.texts.get(section, [])))) for section in _HEADINGS}
    texts["technique"] = "\n".join(dict.fromkeys(filter(None, map(str.strip, reader.captions))))
    return OpenIReport(uid=reader.uid.removeprefix("CXR"), report=Report(**texts), images=tuple(reader.images))


class _OpenIReader:
    """Expat handlers that keep what `report_from_openi_xml` needs."""

    def __init__(self) -> None:
        self.uid = ""
        self.texts: dict[str, list[str]] = {}
        self.captions: list[str] = []
        self.images: list[str] = []
        self._open: list[str] | None = None

    def parse(self, data: bytes) -> None:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._refuse
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.Parse(data, True)

    def _refuse(self, *_: object) -> None:
        raise ValueError("a document type declaration is not allowed")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "uId":
            self.uid = attributes.get("id", "").strip()
        elif tag == "parentImage" and attributes.get("id"):
            self.images.append(attributes["id"])
        elif tag == "AbstractText":
            self._open = self.texts.setdefault(attributes.get("Label", "").strip().lower(), [])
            self._open.append("")
        elif tag == "caption":
            self._open = self.captions
            self._open.append("")

    def _end(self, tag: str) -> None:
        if tag in ("AbstractText", "caption"):
            self._open = None

    def _characters(self, data: str) -> None:
        if self._open is not None:
            self._open[-1] += data
