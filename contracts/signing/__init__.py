"""Contracts as documents: templates, text, PDF."""

from contracts.signing.document import ContractFacts, Rendered, facts_of, render, render_text, signed_pdf

__all__ = ["ContractFacts", "Rendered", "facts_of", "render", "render_text", "signed_pdf"]
