"""Notices to people: rendered with the deed, sent by the outbox."""

from contracts.notices.service import MAIL, send

__all__ = ["MAIL", "send"]
