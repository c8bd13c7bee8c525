"""Holds: what of the ledger must not be erased or pruned until a day, set by two people, lifted early by two."""
