"""Licensing signals for the main site: what machines read before they collect."""

from api.signals.router import router

__all__ = ["router"]
