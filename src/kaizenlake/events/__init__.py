"""What can happen: the catalogue, the envelope, typed log functions and the spool writer."""
