"""The second page of signing in: the code of the app, or a recovery code, for whoever has just given the right password."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from contracts.errors import refuse
from contracts.people import service as people
from contracts.people.lost import open_case
from contracts.people.lost_states import MEANING
from portal import cookies
from portal.deps import go, house_of, page, safe_path, sign_in_path, visitor
from portal.forms import Form, submitted
from portal.limits import PAGES, SIGN_IN, limited, network_of
from portal.pages.account.factor import checked_code
from portal.pages.account.sign_in import lead_on, waiting_here
from portal.passkeys import offer_use
from portal.words import home_of

router = APIRouter(prefix="/sign-in/code")


@router.get("")
@limited(PAGES)
def show(request: Request) -> Response:
    """The form, while this browser's sign-in waits for it; others begin at the password."""
    next_path = safe_path(request.query_params.get("next", ""))
    account_id = waiting_here(request)
    if account_id is None:
        actor = visitor(request)
        return go(next_path or home_of(actor)) if actor else go(sign_in_path(next_path))
    return _page(request, account_id, Form(), next_path)


@router.post("")
@limited(SIGN_IN)
def sign_in_by_code(request: Request, form: Form = Depends(submitted)) -> Response:
    """Check the code and open the session under a token of its own."""
    next_path, account_id = safe_path(form.text("next")), waiting_here(request)
    if account_id is None:
        raise refuse("sign_in_required", "Your sign-in took too long. Begin again with your password.")
    opened, waiting = list[str](), cookies.session_of(request)
    wrong = checked_code(
        request,
        account_id,
        form.text("code"),
        lambda unit: opened.append(people.complete_session(unit, waiting, network_of(request))),
    )
    if wrong:
        return _page(request, account_id, Form(errors={"code": wrong}), next_path, 403)
    return lead_on(request, opened[0], next_path)


def _page(request: Request, account_id: str, form: Form, next_path: str, status: int = 200) -> Response:
    with house_of(request).store.read() as session:
        factors, case = people.factors_of(session, account_id), open_case(session, account_id)
    return page(
        request,
        "account/sign-in-code.html",
        status,
        form=form,
        next_path=next_path,
        factors=factors,
        case=case,
        meaning=MEANING,
        offer=offer_use(request, account_id),
    )
