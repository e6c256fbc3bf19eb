"""`read(study) -> Trace`: a study made ready, a model that writes, and a reading or the reason why there is none."""

from radtrace.reader.loading import BUNDLED, Manner, load_mind, load_reader, read
from radtrace.reader.prepared import Prepared, prepare, prepare_all
from radtrace.reader.reading import Listen, Mind, Reader, Reading

__all__ = [
    "BUNDLED",
    "Listen",
    "Manner",
    "Mind",
    "Prepared",
    "Reader",
    "Reading",
    "load_mind",
    "load_reader",
    "prepare",
    "prepare_all",
    "read",
]
