"""Retention: for how long the ledger keeps personal values and entries, and the daily run that keeps to it."""
