"""Write events: typed log functions, and the spool that their lines go to."""
