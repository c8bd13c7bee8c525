"""Search over the ledger: entries sorted into few kinds and counted by day, by a job that follows the tree."""
