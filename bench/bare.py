"""The peer of `bench/page.py` and `bench/data.py`: the same engine and query in a bare FastAPI route; no token, contract, quota, entry or delivery.

`BARE_QUERY` finds rows whose last column is a record's JSON, `BARE_VALUES` (pickled, base64) what it binds. It runs in DuckDB on the files
`BARE_VERSION` and `BARE_PSEUDONYMS`, attached as `v` and `p`, or in the database `BARE_POSTGRESQL`.
"""

from __future__ import annotations

import base64
import os
import pickle
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import uvicorn
from fastapi import FastAPI
from fastapi.responses import Response

Run = Callable[[], Sequence[tuple[Any, ...]]]

QUERY, VALUES = os.environ["BARE_QUERY"], pickle.loads(base64.b64decode(os.environ["BARE_VALUES"]))
app = FastAPI()
local = threading.local()


def _duckdb() -> Callable[[], Run]:
    main = duckdb.connect(":memory:", config={"threads": 1, "preserve_insertion_order": True})
    main.execute(f"ATTACH '{Path(os.environ['BARE_VERSION'])}' AS v (READ_ONLY)")
    main.execute(f"ATTACH '{Path(os.environ['BARE_PSEUDONYMS'])}' AS p (READ_ONLY)")

    def opened() -> Run:
        cursor = main.cursor()
        return lambda: cursor.execute(QUERY, VALUES).fetchall()

    return opened


def _postgresql() -> Run:
    options = "-c timezone=UTC -c plan_cache_mode=force_custom_plan -c max_parallel_workers_per_gather=0 -c jit=off"
    connection = psycopg.connect(os.environ["BARE_POSTGRESQL"], autocommit=True, options=options)
    return lambda: connection.execute(QUERY, VALUES).fetchall()


open_one = _postgresql if "BARE_POSTGRESQL" in os.environ else _duckdb()


@app.get("/records")
def records() -> Response:
    """A page of records as one JSON document."""
    if not hasattr(local, "run"):
        local.run = open_one()
    return Response('{"data":[' + ",".join(row[-1] for row in local.run()) + "]}", media_type="application/json")


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["BARE_PORT"]), log_level="warning", access_log=False)
