"""Report text to sections and sentences.

Nothing is lost: words under no known heading stay in the section where they stand, and every non-blank character of a
section belongs to exactly one sentence.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path
from typing import Literal
from xml.parsers import expat

from radtrace.errors import InputError
from radtrace.records import Record, Report, Span

Section = Literal["findings", "impression", "indication", "comparison", "technique"]

_HEADINGS: dict[Section, str] = {
    "findings": r"(?:(?:chest|radiographic|radiological|imaging|x-?ray|xr|lung|key) )?findings?(?: ?(?:and|&|/) ?impressions?)?"
    r"|results?|description|observations?|report|body of report",
    "impression": r"(?:overall |final )?impressions?|imp|conclusions?|opinion|summary|assessment|interpretation"
    r"|impression ?(?:and|&|/) ?recommendations?|conclusions? ?(?:and|&|/) ?recommendations?|(?:final )?diagnosis",
    "indication": r"(?:clinical )?indications?(?: for (?:exam(?:ination)?|study))?|(?:clinical |patient |medical |brief )?history"
    r"|clinical (?:information|info|data|details?|statement|question|context|presentation|background|notes?)|symptoms?"
    r"|(?:reason|rationale)(?: for (?:the |this )?(?:exam(?:ination)?|study|request|visit|referral))?|request"
    r"|history ?(?:and|&|/) ?indications?|indications? ?(?:and|&|/) ?history",
    "comparison": r"comparisons?(?: (?:study|studies|exams?|examinations?|films?|radiographs?|dates?))?|compared? (?:to|with)"
    r"|prior (?:study|studies|exams?|films?|imaging|radiographs?)|previous (?:study|studies|exams?|films?|imaging)",
    "technique": r"techniques?|exam(?:ination)?s?(?: (?:type|performed|description|date))?|stud(?:y|ies)|procedures?|protocol|modality"
    r"|views?|projections?|type of (?:exam(?:ination)?|study)|acquisition|methods?|quality|image quality|technical quality",
}
_SECTION_OF_GROUP: tuple[Section, ...] = tuple(_HEADINGS)
_NAMES = "|".join(f"(?P<{section}>{names})" for section, names in _HEADINGS.items())
_OPENING = r"(?:[#>*_\-•\s<\[]*(?:\(?\d{1,2}[.)]\s*)?[*_\[<]*)"
# A heading is a known name that opens a line or follows a sentence's end and has a colon, or stands alone on its line,
# or opens a line in capitals before a word in lower case; in capitals with a colon it may follow any word.
_WITH_COLON = re.compile(
    rf"(?:(?:^|(?<=\n)){_OPENING}|(?<=[.?!;:\])])[ \t*_]*)(?:{_NAMES})[*_\]>]*[ \t]*:[*_]*", re.IGNORECASE
)
_ALONE = re.compile(rf"(?:^|(?<=\n)){_OPENING}(?:{_NAMES})[*_\]>.\- \t]*(?=\r?\n|$)", re.IGNORECASE)
_CAPITALS = re.compile(
    rf"(?:(?<=\s)(?:{_NAMES.upper()})[ \t]*:|(?:^|(?<=\n))[ \t]*(?:{_NAMES.upper()})(?:[ \t]+-+[ \t]+|[ \t]+(?=[A-Z]?[a-z])))"
    # The group names were upper-cased with the patterns; put them and the escapes back.
    .replace("(?P<FINDINGS>", "(?P<findings>")
)
