"""Looking into what was built: it has what it needs to run."""
