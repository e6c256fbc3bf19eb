"""What a model has to beat: constants, random and nearest reports, mean boxes and crops, and its own words elsewhere.

Nothing is fitted on the references.
"""

from radtrace.evaluate.floors.running import Asked, Each, Floor, Floors
from radtrace.evaluate.floors.table import floors_table

__all__ = ["Asked", "Each", "Floor", "Floors", "floors_table"]
