"""Values of buildx's options, one file a family, as in buildx's own util/buildflags."""
