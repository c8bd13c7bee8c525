"""That the newest tree begins with one that somebody kept: a text for the offline checker, and for any C2SP witness."""

from __future__ import annotations

import base64

from sqlmodel import Session

from contracts.anchors.published import covering
from contracts.errors import refuse
from contracts.ledger import tree
from contracts.ledger.source import StoredTiles

NEWER = "The ledger has no such size. Give the second line of a checkpoint that you kept."


def consistency(session: Session, old: int) -> str:
    """`old SIZE`, the proof's hashes, an empty line and a newer checkpoint with its cosignatures: the body of C2SP tlog-witness's add-checkpoint.

    `not_found` for a size above the newest checkpoint's. From 0, and to the checkpoint's own size, there are no hashes.
    """
    newest = covering(session, old - 1) if old >= 0 else None
    if newest is None:
        raise refuse("not_found", NEWER)
    path = tree.consistency_proof(StoredTiles(session), old, newest.size) if old else []
    return f"old {old}\n" + "".join(f"{base64.b64encode(each).decode()}\n" for each in path) + f"\n{newest.note}"
