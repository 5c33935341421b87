"""What people read of the plans of an agency."""
