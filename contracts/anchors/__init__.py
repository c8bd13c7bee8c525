"""Anchors of our own ledger outside the house: cosignatures of witnesses, and time-stamps of authorities."""
