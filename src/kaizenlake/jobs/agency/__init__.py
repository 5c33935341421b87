"""Plan what an agency does for its brands."""
