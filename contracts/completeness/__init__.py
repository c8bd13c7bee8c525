"""Whether anything is missing: nodes' numbers without gap, and what proxies passed against what the ledger has, day by day."""
