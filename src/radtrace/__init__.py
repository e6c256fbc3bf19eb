"""radtrace: interleaved vision-language reasoning traces over chest X-rays.

Research software, not a medical device: never for clinical use without regulatory approval.
"""

__all__ = ["__version__"]

__version__ = "0.1.0.dev0"
