"""Operation: liveness, readiness and metrics."""

from __future__ import annotations

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import JSONResponse, Response

from contracts.house import House
from contracts.store import counters


def router(house: House) -> APIRouter:
    """`/healthz`, `/readyz` and `/metrics`."""
    routes = APIRouter(tags=["operation"])

    @routes.get("/healthz", summary="Whether the process runs")
    def healthz() -> JSONResponse:
        return JSONResponse({"status": "ok"})

    @routes.get("/readyz", summary="Whether requests can be answered: store writable, revocations fresh, pace counted")
    def readyz() -> JSONResponse:
        failing = [name for name, fine in _checks(house).items() if not fine]
        return JSONResponse({"status": "failing" if failing else "ready", "failing": failing}, 503 if failing else 200)

    @routes.get("/metrics", summary="Figures in Prometheus' text format")
    def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return routes


def _checks(house: House) -> dict[str, bool]:
    return {"store": _store_answers(house), "revocations": house.watch.fresh(), "counters": counters.answer(house.settings.shared)}


def _store_answers(house: House) -> bool:
    try:
        with house.store.read() as session:
            session.connection().execute(text("SELECT 1"))
    except SQLAlchemyError:
        return False
    return True
