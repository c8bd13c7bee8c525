"""That the newest tree begins with one that somebody kept: a text for the offline checker, and for any C2SP witness."""

from __future__ import annotations

import base64

from sqlmodel import Session

from contracts.errors import refuse
from contracts.ledger import tree
from contracts.ledger.source import StoredTiles, latest_checkpoint

NEWER = "The ledger has no such size. Give the second line of a checkpoint that you kept."


def consistency(session: Session, old: int) -> str:
    """`old SIZE`, the proof's hashes, an empty line and the newest checkpoint: the body of C2SP tlog-witness's add-checkpoint.

    `not_found` for a size above the newest checkpoint's. From 0, and to the newest size itself, there are no hashes.
    """
    newest = latest_checkpoint(session)
    if newest is None or not 0 <= old <= newest.size:
        raise refuse("not_found", NEWER)
    path = tree.consistency_proof(StoredTiles(session), old, newest.size) if old else []
    return f"old {old}\n" + "".join(f"{base64.b64encode(each).decode()}\n" for each in path) + f"\n{newest.note}"
