"""The peer of `bench/page.py`: the same engine, files and query in a bare FastAPI route; no token, contract, quota, entry or delivery."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import duckdb
import uvicorn
from fastapi import FastAPI
from fastapi.responses import Response

VERSION, PSEUDONYMS = os.environ["BARE_VERSION"], os.environ["BARE_PSEUDONYMS"]
WHERE = os.environ.get("BARE_WHERE", "list_contains(['oak', 'ash'], r.species)")
QUERY = f"""
SELECT to_json({{'id': 'ps_' || replace(p.id::VARCHAR, '-', ''), 'planted': strftime(r.planted, '%Y-%m-%dT%H:%M:%S.%fZ'), 'species': r.species,
                'height': r.height, 'keeper': 'ps_' || replace(p.keeper::VARCHAR, '-', '')}})
FROM (SELECT * FROM v.record r WHERE {WHERE} LIMIT ?) r JOIN p.pseudonym p ON p._pos = r._pos ORDER BY r._pos
"""

app = FastAPI()
main = duckdb.connect(":memory:", config={"threads": 1, "preserve_insertion_order": True})
main.execute(f"ATTACH '{Path(VERSION)}' AS v (READ_ONLY)")
main.execute(f"ATTACH '{Path(PSEUDONYMS)}' AS p (READ_ONLY)")
local = threading.local()


@app.get("/records")
def records(limit: int = 100) -> Response:
    """A page of records as one JSON document."""
    if not hasattr(local, "cursor"):
        local.cursor = main.cursor()
    rows = local.cursor.execute(QUERY, [limit]).fetchall()
    return Response('{"data":[' + ",".join(row[0] for row in rows) + "]}", media_type="application/json")


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["BARE_PORT"]), log_level="warning", access_log=False)
