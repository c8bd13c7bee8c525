"""The gate's face towards proxies: one adapter a proxy."""

from api.gate.handler import hot_routes

__all__ = ["hot_routes"]
