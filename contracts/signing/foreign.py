"""A PDF that was signed elsewhere: it must be our file, byte for byte, with signatures after it and nothing else.

Imports pyHanko. The file is a stranger's: `apart` runs this in a process of its own, with a bound on memory and time.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import (
    DEFAULT_DIFF_POLICY,
    FieldComparisonContext,
    FormUpdate,
    FormUpdatingRule,
    ModificationLevel,
    StandardDiffPolicy,
    SuspiciousModification,
)
from pyhanko.sign.diff_analysis.form_rules_api import _list_fields
from pyhanko.sign.fields import MDPPerm

from contracts.signing.check import Signed, signatures_in
from contracts.signing.pades import FIELD

MOST_ADDED = 2 * 1024 * 1024
MOST_SIGNATURES = 4

NOT_OURS = "This is not the PDF of this version, or something in it was changed. Download the PDF here, sign that file, and send it."
UNSIGNED = "The file carries no signature. Sign it with a certificate of your own, then send it."
MORE = (
    "Something else than signatures was added to the file, such as a page, a note or a form. Sign the PDF from here and add nothing else."
)
BROKEN = "A signature in the file does not hold: the file was changed after it was signed, or the signature is damaged. Sign it anew."
LOCKED = "The signature locks the file against further signatures, and the platform has to add its seal. Sign it without locking it."
PLACE = "A visible signature stands on another page than the last. Put it on the last page, or sign without showing it, so that it covers no text."
TOO_LARGE = "More was added to the file than signatures need. Sign the PDF from here and add nothing else."
TOO_MANY = "The file carries more signatures than expected. At most four people sign for you."
UNREADABLE = "The file cannot be read as a PDF any more. Sign the PDF from here anew."


def problem_of(ours: bytes, theirs: bytes, now: datetime) -> tuple[str, list[Signed]]:
    """What is wrong with a signed file, as a sentence, or an empty one with the signatures that were added."""
    if not theirs.startswith(ours):
        return NOT_OURS, []
    if len(theirs) - len(ours) > MOST_ADDED:
        return TOO_LARGE, []
    try:
        return _added(ours, theirs, now)
    except Exception:  # a stranger's file: a parser may fail on it in any way, and every way means the same
        return UNREADABLE, []


def _added(ours: bytes, theirs: bytes, now: datetime) -> tuple[str, list[Signed]]:
    before, after = PdfFileReader(io.BytesIO(ours)), PdfFileReader(io.BytesIO(theirs))
    embedded = after.embedded_regular_signatures
    if not embedded:
        return (MORE if len(theirs) > len(ours) else UNSIGNED), []
    signed = signatures_in(after, now)
    if len(embedded) > MOST_SIGNATURES:
        return TOO_MANY, []
    if any(each.docmdp_level is MDPPerm.NO_CHANGES for each in embedded) or any(each.field == FIELD for each in signed):
        return LOCKED, []
    if not _only_signatures(before, after):
        return MORE, []
    if not all(each.whole for each in signed):
        return BROKEN, []
    return (PLACE, []) if any(_is_seen(each) for each in _elsewhere(before, after)) else ("", signed)


class _FirstForm(FormUpdatingRule):
    """As pyHanko's rule, for a file that had no form: the form that a first signature brings may hold signatures and nothing else."""

    def apply(self, old: Any, new: Any) -> Iterator[Any]:
        """The objects that the form's coming explains; raises `SuspiciousModification` for any other kind of form."""
        if "/AcroForm" in old.root:
            yield from super().apply(old, new)
            return
        form = _held(new.root, "/AcroForm", generic.DictionaryObject())
        if set(form.keys()) - _OF_SIGNATURES:
            raise SuspiciousModification("a form with more than signatures")
        for holder, name in ((new.root, "/AcroForm"), (form, "/Fields")):
            held = holder.raw_get(name) if name in holder else None
            if isinstance(held, generic.IndirectObject):
                yield ModificationLevel.LTA_UPDATES, FormUpdate(updated_ref=held.reference, field_name=None)
        for each in new.collect_dependencies(_held(form, "/DR", generic.DictionaryObject()), since_revision=old.revision + 1):
            yield ModificationLevel.FORM_FILLING, FormUpdate(updated_ref=each, field_name=None)
        fields = dict(_list_fields(generic.ArrayObject(), _held(form, "/Fields", generic.ArrayObject()), old_path=None))
        context = FieldComparisonContext(field_specs=fields, old=old, new=new)
        for rule in self.field_rules:
            yield from rule.apply(context)


_OF_SIGNATURES = frozenset({"/Fields", "/SigFlags", "/DA", "/DR", "/Type"})
_RULES = DEFAULT_DIFF_POLICY.form_rule
_POLICY = StandardDiffPolicy(DEFAULT_DIFF_POLICY.global_rules, _FirstForm(_RULES.field_rules) if _RULES else None)


def _held(holder: Any, name: str, absent: Any) -> Any:
    return holder[name] if name in holder else absent  # noqa: SIM401 - pyHanko's `get` hands out references, not what they lead to


def _only_signatures(before: PdfFileReader, after: PdfFileReader) -> bool:
    """Whether each revision after ours only adds signatures and what proves them later, by pyHanko's analysis of differences."""
    found = _POLICY.review_file(after, base_revision=before.xrefs.total_revisions - 1)
    if isinstance(found, SuspiciousModification):
        return False
    return found.modification_level in (ModificationLevel.NONE, ModificationLevel.LTA_UPDATES, ModificationLevel.FORM_FILLING)


def _elsewhere(before: PdfFileReader, after: PdfFileReader) -> Iterator[Any]:
    """The annotations on every page but the last that were not there before."""
    pages = list(zip(_pages(before.root["/Pages"]), _pages(after.root["/Pages"]), strict=True))
    for old, new in pages[:-1]:
        yield from list(new.get("/Annots", ()))[len(list(old.get("/Annots", ()))) :]


def _pages(node: Any) -> Iterator[Any]:
    """The pages below a node of the page tree, in order."""
    for each in node["/Kids"]:
        kid = each.get_object()
        if "/Kids" in kid:
            yield from _pages(kid)
        else:
            yield kid


def _is_seen(annotation: Any) -> bool:
    left, bottom, right, top = (float(each) for each in annotation.get_object()["/Rect"])
    return right != left and top != bottom
