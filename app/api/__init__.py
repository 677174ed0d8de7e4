"""The HTTP edge: bytes in, problems or answers out. Routes are thin; their dependencies do the work."""
