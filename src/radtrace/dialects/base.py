"""What every dialect is: a way to write a trace as segments, and to read segments as the parts of a trace."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Literal

from radtrace.config import Settings
from radtrace.dialects.mending.blanks import Blanks, without_blanks
from radtrace.dialects.parsed import Parsed, Problems
from radtrace.dialects.segments import Draft, Script, Segment
from radtrace.records import Trace, View

Part = Literal["findings", "boxes", "pictures"]


class Dialect(Settings):
    """A dialect and its flags, which are settings of a recipe.

    No dialect carries the regions' own boxes and origins, regions outside the 35, spans and regions of findings,
    sections of the report but findings and impression, provenance, and white space at the ends of words.

    blanks: what becomes of sentences with de-identification blanks when a trace is rendered.
    carries: what of a step it writes beside place and words.
    instruction: what a model is asked for beside the film, where it was not trained on the dialect; the question of a
        study, where there is one, stands before it.
    """

    blanks: Blanks = "keep"
    carries: ClassVar[frozenset[Part]]
    instruction: ClassVar[str]

    def render(self, trace: Trace) -> tuple[Segment, ...]:
        """The trace as text and pictures.

        Raises:  InputError where the view's size is unknown and the dialect's boxes hang on it.
        """
        draft = Draft()
        self._write(without_blanks(trace, self.blanks), draft)
        return draft.segments()

    def parse(self, segments: Sequence[Segment], view: View, *, asked: bool = False) -> Parsed:
        """What a model wrote of a view, whatever it is, in time linear in its length.

        Args:    asked: a question stood beside the film, so a conclusion that does not tell what it is answers it.
        Raises:  InputError where the view's size is unknown and the dialect's boxes hang on it; nothing else.
        """
        script, problems = Script(segments), Problems()
        problems.add_blanks(script)
        return self._read(script, view, asked, problems)

    @abstractmethod
    def _write(self, trace: Trace, draft: Draft) -> None: ...

    @abstractmethod
    def _read(self, script: Script, view: View, asked: bool, problems: Problems) -> Parsed: ...
