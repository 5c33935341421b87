"""Keep a lake in good order: compact its tables, and put old counts right."""
