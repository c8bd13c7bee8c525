"""Forms: what an application asks, as data. Bundled, replaced or added to by the operator's files, versioned, frozen once used."""
