"""Being a witness: for logs of others, the largest tree seen of each, and cosignatures of those that extend it (C2SP tlog-witness)."""
