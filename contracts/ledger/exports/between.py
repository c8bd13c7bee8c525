"""What lies between exported entries, as few hashes: with them the exported leaves lead to the signed root.

The leaves that are not exported form, between two that are, at most two complete subtrees of each height. Their roots in order,
and the leaf hashes of the exported ones, are all that RFC 6962 section 2.1 needs for the root; so a whole export is proved in one
pass from left to right, with neither side holding more than the tree's height in memory.
"""

from __future__ import annotations

from collections.abc import Iterator

from contracts.ledger import tree
from contracts.ledger.tree import HashSource


def between(source: HashSource, begin: int, end: int) -> Iterator[bytes]:
    """The roots of the largest complete subtrees that cover leaves `begin` to `end` - 1, from left to right."""
    while begin < end:
        height = (end - begin).bit_length() - 1
        if begin:
            height = min(height, (begin & -begin).bit_length() - 1)
        yield tree.complete(source, height, begin >> height)
        begin += 1 << height
