"""The peer of `bench/page.py` and `bench/data.py`: the same engine and query in a bare FastAPI route; no token, contract, quota, entry or delivery.

`BARE_ASKED` (pickled, base64) is the plan of a page of the versions under the folder `BARE_HOME`, or a statement, whose last column is a
record's JSON, and what it binds, for the database `BARE_POSTGRESQL`.
"""

from __future__ import annotations

import base64
import os
import pickle
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import psycopg
import uvicorn
from fastapi import FastAPI
from fastapi.responses import Response

from contracts.datasets.engines.lines import LinePages

Run = Callable[[], Sequence[str]]

ASKED = pickle.loads(base64.b64decode(os.environ["BARE_ASKED"]))
app = FastAPI()
local = threading.local()


def _lines() -> Callable[[], Run]:
    engine = LinePages(Path(os.environ["BARE_HOME"]))

    def rows() -> Sequence[str]:
        page = engine.page(ASKED)
        assert page is not None
        return page.rows

    return lambda: rows


def _postgresql() -> Run:
    options = "-c timezone=UTC -c plan_cache_mode=force_custom_plan -c max_parallel_workers_per_gather=0 -c jit=off"
    connection = psycopg.connect(os.environ["BARE_POSTGRESQL"], autocommit=True, options=options)
    return lambda: [row[-1] for row in connection.execute(*ASKED).fetchall()]


open_one = _postgresql if "BARE_POSTGRESQL" in os.environ else _lines()


@app.get("/records")
def records() -> Response:
    """A page of records as one JSON document."""
    if not hasattr(local, "run"):
        local.run = open_one()
    return Response('{"data":[' + ",".join(local.run()) + "]}", media_type="application/json")


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["BARE_PORT"]), log_level="warning", access_log=False)
