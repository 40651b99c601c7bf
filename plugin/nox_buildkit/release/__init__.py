"""From digests in a registry to attested, signed and tagged indexes."""
