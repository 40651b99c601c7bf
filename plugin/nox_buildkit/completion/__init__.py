"""Completion of what follows ``--`` on nox's command line, in a shell."""
