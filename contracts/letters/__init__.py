"""Letters to people outside: whose text is a file that the operator may replace, and whose facts come from the deliveries and the ledger."""
