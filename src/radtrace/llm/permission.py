"""Texts and images of credentialed sources are sent nowhere unless the recipe states the permission."""

import re
from collections.abc import Iterable
from typing import Self

from pydantic import model_validator

from radtrace.config import Settings
from radtrace.llm.faults import EndpointRefusalError

CREDENTIALED: tuple[str, ...] = (
    "mimic",
    "mscxr",
    "chestimagenome",
    "imagenome",
    "gemex",
    "chexpert",
    "chexlocalize",
    "padchest",
    "vindr",
    "brax",
    "candid",
    "reflacx",
    "egdcxr",
    "radgraph",
    "cxrlt",
    "cxrpro",
    "medicaldiffvqa",
    "rexgradient",
    "rexvqa",
)
"""Parts of the names (lower case, letters and digits) of sources whose use rests on an agreement, and of their kin."""

_CREDENTIALED_ID = re.compile(r"(?:^|[/_-])(?:s5\d{7}|p1\d{7}|patient\d{5})(?:$|[/_.-])")
"""How MIMIC-CXR names studies and patients, and CheXpert patients."""


class Material(Settings):
    """What is sent to an endpoint, and by what right.

    source: the dataset that texts and images are from. permission: for credentialed ones, what allows this endpoint to
        read them: an agreement, an ethics vote, or that the model runs on the user's own machines.
    """

    source: str
    permission: str = ""

    @model_validator(mode="after")
    def _named(self) -> Self:
        if not self.source.strip():
            raise ValueError("name the dataset that the texts are from")
        return self

    def check(self, ids: Iterable[str]) -> None:
        """Raises EndpointRefusalError where texts of these studies may not be sent."""
        if self.permission.strip():
            return
        name = re.sub(r"[^a-z0-9]", "", self.source.lower())
        if any(part in name for part in CREDENTIALED):
            raise EndpointRefusalError(
                f"{self.source}: a credentialed source; its texts are sent nowhere unless the recipe's "
                "`permission` states what allows it"
            )
        for id_ in ids:
            if _CREDENTIALED_ID.search(id_):
                raise EndpointRefusalError(
                    f"id {id_!r} is of the form that a credentialed source uses, not {self.source!r}; its text is sent "
                    "nowhere unless the recipe's `permission` states what allows it"
                )
