"""The inbox: events from outside services."""

from api.inbox.stripe import router

__all__ = ["router"]
