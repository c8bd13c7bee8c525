"""How often the interpreter looks for cycles in memory."""

from __future__ import annotations

import gc

# So many more objects made than freed before the collector looks; Python's own 700 is for small programs.
_YOUNG, _MIDDLE, _OLD = 20_000, 20, 50


def look_seldom() -> None:
    """Let the collector of cycles look less often: imports make many objects that stay, and requests leave few cycles behind."""
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)


def settle() -> None:
    """What is there once everything has started stays until the end: the collector of cycles need not look at it ever again.

    Requests leave few cycles behind, so it also looks less often at what is young.
    """
    gc.collect()
    gc.freeze()
    look_seldom()
