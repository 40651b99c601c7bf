"""The command lines of the sessions."""
