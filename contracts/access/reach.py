"""What of a dataset's terms a token reaches: those of the contract, narrowed by the token's own details (RFC 9396). Pure."""

from __future__ import annotations

from contracts.access.query import Query
from contracts.credentials.details import Details
from contracts.datasets.plan import leaves
from contracts.errors import refuse
from contracts.terms.model import DatasetTerms


def reached(terms: DatasetTerms, details: Details, query: Query) -> tuple[DatasetTerms, str]:
    """The terms with the fields that the token reaches, and the one purpose that it is for, if any. Only ever narrower.

    Raises `not_in_token` for a request that the contract would allow and the token does not.
    """
    if not details:
        return terms, ""
    detail = next((each for each in details if each.dataset == terms.dataset), None)
    if detail is None:
        named = ", ".join(each.dataset for each in details)
        raise refuse("not_in_token", f"This token was made for {named} alone. Ask for one with this dataset in authorization_details.")
    asked = (*query.fields, *(each.field for each in leaves(query.filters)))
    foreign = next((name for name in asked if name in terms.fields and name not in detail.fields), None)
    if foreign is not None:
        raise refuse("not_in_token", f"This token was made without the field {foreign}. Ask for one with it.", field=foreign)
    if query.purpose and detail.purpose and query.purpose != detail.purpose:
        raise refuse("not_in_token", f"This token was made for the purpose {detail.purpose} alone.", purposes=[detail.purpose])
    fields = tuple(name for name in terms.fields if name in detail.fields)
    return terms.model_copy(update={"fields": fields}), detail.purpose
