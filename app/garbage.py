"""How the processes that live long collect garbage: rarely, and not where it cannot be.

Nearly everything that a page or a job makes is let go of at once, without the collector; it finds only what refers to
itself. Python looks for that after every 700 objects, and goes through all of them when a job holds some pages of
orders: nearly a tenth of what reading orders computes.
"""

from __future__ import annotations

import gc
from typing import Final

_OBJECTS: Final = 20_000
_TIMES: Final = 20
"""So many new objects are there before the youngest are looked through; each older generation is looked through so many
times less often."""


def settle() -> None:
    """What is there now stays until the end. Called once everything is loaded, and before a process forks.

    To go through it now and then would keep a page waiting for a tenth of a second, and would copy the memory that the
    children share.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_OBJECTS, _TIMES, _TIMES)
