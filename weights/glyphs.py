"""Side markers drawn for training: letters in many hands, and what a reader must not take for one."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

CAPITAL = 28
"""Height in pixels of the letter as it is drawn, before it is shrunk onto a film."""
PAPER = 7 * CAPITAL

OTHERS = "ABCDEFGHIJKMNOPQSTUVWXYZ0123456789+-/<>^#*"
WORDS = (
    "PORTABLE",
    "ERECT",
    "SUPINE",
    "AP",
    "PA",
    "UPRIGHT",
    "SEMI",
    "LAT",
    "SITTING",
    "BED",
    "ICU",
    "10:45",
    "07/12",
    "1",
    "2",
    "INSP",
    "EXP",
    "CHEST",
    "DOB",
)
ASIDE = ("AP", "PA", "ERECT", "PORTABLE", "SUPINE", "UPRIGHT", "12", "7", "MAC")

Array = npt.NDArray[np.float32]


def fonts() -> list[Path]:
    """The system's Latin fonts."""
    found = sorted(Path("/usr/share/fonts").rglob("*.ttf"))
    if not found:
        raise SystemExit("no TrueType fonts in /usr/share/fonts: install fonts-dejavu and fonts-liberation")
    return found


@dataclass(frozen=True, slots=True)
class Sign:
    """What is put on a film. bright, dark: (PAPER, PAPER) in [0, 1], the letter in the middle; reading: its class.

    turned: degrees by which it is tilted counter-clockwise.
    """

    bright: Image.Image
    dark: Image.Image
    reading: int
    turned: float


class Draftsman:
    """Draws signs; the same generator gives the same signs."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.files = fonts()
        self.cache: dict[tuple[Path, int], ImageFont.FreeTypeFont] = {}

    def sign(self) -> Sign:
        """A marker (two in three), or something else that is written."""
        rng = self.rng
        if rng.random() < 0.64:
            letter, mirrored = "LR"[rng.integers(2)], bool(rng.random() < 0.5)
            limit = 28.0 if letter == "L" else 45.0
            turned = float(np.clip(rng.normal(0, 0.45 * limit), -limit, limit)) if rng.random() < 0.7 else 0.0
            reading = 1 + "LR".index(letter) + 2 * mirrored
            return self._sign(letter, letter, reading, mirrored, turned)
        kind = rng.random()
        mirrored = bool(rng.random() < 0.4)
        if kind < 0.3:
            letter = "LR"[rng.integers(2)]
            least = 48.0 if letter == "L" else 75.0
            return self._sign(letter, letter, 0, mirrored, float(rng.uniform(least, 360 - least)))
        turned = float(rng.normal(0, 15)) if rng.random() < 0.6 else float(90 * rng.integers(4))
        if kind < 0.7:
            text = OTHERS[rng.integers(len(OTHERS))]
        elif kind < 0.85:
            text = WORDS[rng.integers(len(WORDS))]
        else:
            text = "".join("ABCDEGHJKLMNPRSTUVW"[rng.integers(19)] for _ in range(rng.integers(2, 4)))
            text = text if text not in ("LT", "RT") else "TL"
        return self._sign(text, text[0], 0, mirrored, turned)

    def _sign(self, text: str, letter: str, reading: int, mirrored: bool, turned: float) -> Sign:
        rng = self.rng
        papers = [Image.new("L", (PAPER, PAPER)) for _ in range(2)]
        bright, dark = (ImageDraw.Draw(paper) for paper in papers)
        ink = self._frame(bright, dark)
        if len(text) == 1 and rng.random() < 0.2 and letter in "LRPVTIUDJ7":
            self._freehand(ink, letter)
        else:
            self._printed(ink, text, center=len(text) == 1 or rng.random() < 0.5)
        if ink is dark:
            papers[0] = ImageChops.subtract(*papers)
        if len(text) == 1:
            self._beside(ImageDraw.Draw(papers[0]), letter, reading > 0)
        done = []
        for paper in papers:
            drawn = paper.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if mirrored else paper
            done.append(drawn.rotate(turned, Image.Resampling.BILINEAR) if turned else drawn)
        return Sign(done[0], done[1], reading, turned)

    def _frame(self, bright: ImageDraw.ImageDraw, dark: ImageDraw.ImageDraw) -> ImageDraw.ImageDraw:
        """Rings, discs and plates behind a letter; the paper that the letter itself goes on."""
        rng, middle = self.rng, PAPER / 2
        style = rng.random()
        radius = CAPITAL * rng.uniform(0.75, 1.15)
        around = (middle - radius, middle - radius, middle + radius, middle + radius)
        if style < 0.58:
            return bright
        if style < 0.70:
            bright.ellipse(around, outline=255, width=int(rng.integers(1, 6)))
            return bright
        if style < 0.78:
            dark.ellipse(around, fill=int(rng.integers(120, 256)))
            if rng.random() < 0.5:
                bright.ellipse(around, outline=255, width=int(rng.integers(1, 5)))
            return bright
        if style < 0.92:
            wide, high = CAPITAL * rng.uniform(0.5, 0.9), CAPITAL * rng.uniform(0.65, 1.0)
            plate = (middle - wide, middle - high, middle + wide, middle + high)
            if rng.random() < 0.7:
                bright.rectangle(plate, fill=int(rng.integers(30, 150)))
                return bright
            bright.rectangle(plate, fill=255)
            return dark
        if style < 0.96:
            bright.ellipse(around, fill=255)
        return dark

    def _font(self, height: float) -> ImageFont.FreeTypeFont:
        """A random face whose capitals are about that tall."""
        file, size = self.files[self.rng.integers(len(self.files))], 4 * max(2, round(height / 0.72 / 4))
        if (file, size) not in self.cache:
            self.cache[file, size] = ImageFont.truetype(str(file), size)
        return self.cache[file, size]

    def _printed(self, ink: ImageDraw.ImageDraw, text: str, center: bool) -> None:
        rng, middle = self.rng, PAPER / 2
        font = self._font(CAPITAL)
        left, top, right, bottom = font.getbbox(text)
        first = right - left if center else font.getlength(text[0])
        at = (middle - first / 2 - left, middle - (bottom + top) / 2)
        style, fill = rng.random(), int(rng.integers(170, 256))
        if style < 0.55:
            ink.text(at, text, fill, font)
        elif style < 0.85:
            ink.text(at, text, fill, font, stroke_width=int(rng.integers(1, 3)))
        else:
            ink.text(at, text, fill, font, stroke_width=2, stroke_fill=fill)
            ink.text(at, text, int(rng.integers(0, 90)), font)

    def _freehand(self, ink: ImageDraw.ImageDraw, letter: str) -> None:
        rng, bend = self.rng, self.rng.uniform(0.45, 0.9)
        loop = [(0.0, 0.0), (bend * 0.7, 0.03), (bend, 0.25), (bend * 0.7, 0.48), (0.0, 0.52)]
        strokes = {
            "L": [[(0, 0), (0, 1), (bend, 1)]],
            "R": [[(0, 0), (0, 1)], loop, [(bend * 0.3, 0.52), (bend, 1)]],
            "P": [[(0, 0), (0, 1)], loop],
            "V": [[(0, 0), (bend / 2, 1), (bend, 0)]],
            "T": [[(bend / 2, 0), (bend / 2, 1)], [(0, 0), (bend, 0)]],
            "I": [[(0, 0), (0, 1)]],
            "U": [[(0, 0), (0, 0.9), (bend / 2, 1), (bend, 0.9), (bend, 0)]],
            "D": [[(0, 0), (0, 1), (bend, 0.8), (bend, 0.2), (0, 0)]],
            "J": [[(bend, 0), (bend, 0.8), (bend / 2, 1), (0, 0.8)]],
            "7": [[(0, 0), (bend, 0), (bend * 0.4, 1)]],
        }[letter]
        width, corner = int(rng.integers(2, 8)), PAPER / 2 - CAPITAL / 2
        for stroke in strokes:
            points = [
                (
                    corner + (1 - bend) * CAPITAL / 2 + CAPITAL * x + rng.normal(0, 1.2),
                    corner + CAPITAL * y + rng.normal(0, 1.2),
                )
                for x, y in stroke
            ]
            ink.line(points, fill=255, width=width, joint="curve")

    def _beside(self, bright: ImageDraw.ImageDraw, letter: str, marker: bool) -> None:
        """Initials, a projection or the rest of the word near a letter."""
        rng, middle = self.rng, PAPER / 2
        draw = rng.random()
        if draw < 0.5:
            return
        if marker and draw < 0.62:
            rest = {"L": ("T", "EFT"), "R": ("T", "IGHT", "t")}[letter]
            bright.text(
                (middle + 0.45 * CAPITAL, middle), rest[rng.integers(len(rest))], 255, self._font(CAPITAL), "lm"
            )
            return
        if draw < 0.72:
            text = ASIDE[rng.integers(len(ASIDE))]
            gap = CAPITAL * rng.uniform(0.85, 1.5)
            before = rng.random() < 0.5
            at = (middle - gap if before else middle + gap, middle)
            bright.text(at, text, 255, self._font(CAPITAL * rng.uniform(0.6, 1.0)), "rm" if before else "lm")
            return
        text = "".join("ABCDEFGHJKLMNPRSTUVW"[rng.integers(20)] for _ in range(rng.integers(2, 5)))
        angle = rng.choice([0, math.pi / 2, math.pi, -math.pi / 2]) + rng.normal(0, 0.2)
        far = CAPITAL * rng.uniform(0.95, 1.4)
        at = (middle + far * math.cos(angle), middle + far * math.sin(angle))
        anchor = (
            "lm" if abs(math.cos(angle)) > 0.7 and math.cos(angle) > 0 else "rm" if math.cos(angle) < -0.7 else "mm"
        )
        bright.text(at, text, int(rng.integers(150, 256)), self._font(CAPITAL * rng.uniform(0.3, 0.6)), anchor)


def put(film: Array, sign: Sign, x: float, y: float, height: float, rng: np.random.Generator) -> None:
    """Draw a sign on a film in place, its letter `height` pixels tall about (x, y)."""
    scale = height / CAPITAL
    side = max(4, round(PAPER * scale))
    left, top = round(x - side / 2), round(y - side / 2)
    rows, columns = (slice(max(0, at), min(edge, at + side)) for at, edge in zip((top, left), film.shape, strict=True))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return
    inner = (slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left))
    blur = height * rng.uniform(0.0, 0.07) if rng.random() < 0.6 else 0.0
    bright, dark = (_shrunk(paper, side, blur)[inner] for paper in (sign.bright, sign.dark))
    part = film[rows, columns]
    if rng.random() < 0.05:
        bright, dark = dark, bright
    level = float(np.clip(max(part.mean(), 0.3) + rng.uniform(0.2, 0.8), 0, 1))
    strength = rng.uniform(0.55, 1.0) if rng.random() < 0.8 else rng.uniform(0.25, 0.55)
    part *= 1 - dark * rng.uniform(0.6, 1.0)
    part += bright * strength * np.maximum(level - part, 0.12)
    np.clip(part, 0, 1, out=part)


def _shrunk(paper: Image.Image, side: int, blur: float) -> Array:
    image = paper.resize((side, side), Image.Resampling.BOX if side < PAPER else Image.Resampling.BILINEAR)
    return np.asarray(image.filter(ImageFilter.GaussianBlur(blur)) if blur > 0.2 else image, np.float32) / 255
