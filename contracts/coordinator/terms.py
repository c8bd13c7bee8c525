"""A reasoned request becomes the terms: what it says and nothing else, and nobody here makes it wider or narrower."""

from __future__ import annotations

from sqlmodel import Session, select

from contracts.applications.states import REASONED_REQUEST
from contracts.applications.tables import Application
from contracts.coordinator.tables import ReasonedRequest
from contracts.errors import Refusal
from contracts.settings import DatasetSettings, Settings
from contracts.terms.defaults import propose
from contracts.terms.model import Terms


def request_of(session: Session, application_id: str) -> ReasonedRequest | None:
    """The reasoned request that the application is made of; None for every other application."""
    return session.exec(select(ReasonedRequest).where(ReasonedRequest.application_id == application_id)).first()


def proposed(session: Session, application: Application, dataset: DatasetSettings, site: str) -> Terms:
    """The terms that the desk proposes; those of a reasoned request carry duties only where it says so.

    Delegated Regulation (EU) 2025/2050, Art. 15(3): no storage, refresh or deletion beyond the request.
    """
    terms, request = propose(application, dataset, site), request_of(session, application.id)
    if request is None:
        return terms
    return terms.model_copy(update={"retention_days": request.retention_days, "erasure_hours": request.erasure_hours})


def refusal(session: Session, application: Application, terms: Terms, settings: Settings) -> Refusal | None:
    """`not_as_requested` where a reasoned request's terms are not exactly what it says."""
    if application.kind != REASONED_REQUEST:
        return None
    dataset = settings.datasets[application.dataset]
    wanted = proposed(session, application, dataset, settings.platform.site)
    wrong = [name for name in Terms.model_fields if getattr(terms, name) != getattr(wanted, name)]
    if not wrong:
        return None
    fields = dict.fromkeys(wrong, "The Coordinator’s request says otherwise; it is taken over as it stands.")
    return Refusal("not_as_requested", "These terms are not those of the Coordinator’s request; see the terms marked.", {"fields": fields})
