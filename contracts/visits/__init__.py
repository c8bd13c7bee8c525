"""Visits of regulators and auditors: a named slice of the ledger, an account that ends by itself, one archive."""
