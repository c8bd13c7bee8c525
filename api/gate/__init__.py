"""The gate's face towards proxies. One adapter a proxy; this release has nginx's."""

from api.gate.nginx import hot_routes

__all__ = ["hot_routes"]
