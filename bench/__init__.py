"""nox-buildkit beside what people use today: the same application, the same engine, one run."""
