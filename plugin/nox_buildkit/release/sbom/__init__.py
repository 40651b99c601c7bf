"""Software bills of materials, and their places beside an image."""
