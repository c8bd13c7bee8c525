"""A route of FastAPI that slowapi limits, as many sites have it: what `bench/gate.py` sets beside the gate."""

from __future__ import annotations

import os
import sys

import uvicorn
from fastapi import FastAPI, Request, Response
from slowapi import Limiter

# slowapi reads any `.env` of the working folder where no file is named.
limiter = Limiter(key_func=lambda request: request.headers.get("x-forwarded-for", ""), config_filename=os.devnull)
app = FastAPI()
app.state.limiter = limiter


@app.get("/gate/nginx")
@limiter.limit("1000000/minute")
async def allowed(request: Request) -> Response:
    """Nothing but the limit."""
    return Response(status_code=204)


if __name__ == "__main__":
    uvicorn.run(app, uds=sys.argv[1], access_log=False, log_level="error", http="httptools", loop="uvloop")
