"""A source of which some studies take down the process that opens them."""

import os
import signal
import time
from pathlib import Path

import numpy as np

from radtrace.images import Film, load_film
from radtrace.records import View
from radtrace.sources import Load
from radtrace.sources.phantoms import Phantoms


class Deadly(Phantoms):
    """Flat films of phantoms. deadly: seed -> what opening its film does; log: file with a line for each such opening.

    once: the first deadly opening is the last.
    """

    kind: str = "deadly:Deadly"
    deadly: dict[int, str]
    log: Path
    once: bool = False

    def film(self, view: View, load: Load = load_film) -> Film:
        """See `Source.film`."""
        seed = int(view.uri)
        if seed in self.deadly and not (self.once and self.log.exists()):
            with self.log.open("a") as file:
                file.write(f"{seed}\n")
            die(self.deadly[seed])
        return Film(np.full((self.side, self.side), seed % 250 / 250, np.float32), f"{seed:064x}", projection="PA")


def die(how: str) -> None:
    """End this process, or hang, or raise."""
    match how:
        case "exit":
            os._exit(7)
        case "hang":
            time.sleep(1000)
        case "raise":
            raise ZeroDivisionError("words of a report")
        case name:
            os.kill(os.getpid(), signal.Signals[name])
