"""radtrace: interleaved vision-language reasoning traces over chest X-rays.

Research software, not a medical device: never for clinical use without regulatory approval.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from radtrace.reader import read as read

__all__ = ["__version__", "read"]

__version__ = "0.1.0.dev0"


def __getattr__(name: str) -> object:
    """`read` is imported when it is first used: it needs what `import radtrace` alone does not."""
    if name == "read":
        from radtrace.reader import read

        return read
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
