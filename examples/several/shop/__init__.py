"""What the server and the worker share."""
