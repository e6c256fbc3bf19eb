"""Where the anatomy is: a film to boxes of the 35 regions.

A small U-Net finds the two lungs, the kind of film and how it is turned; geometry does the rest. Importing this package
loads no torch; `Localizer.load` does, and needs the extra `read` and the distribution `radtrace-weights`.
"""

from radtrace.localize.localizer import Localization, Localizer, row
from radtrace.localize.naming import named_regions
from radtrace.localize.overlay import overlay

__all__ = ["Localization", "Localizer", "named_regions", "overlay", "row"]
