"""Gold tables of an agency: what it sells, and how its work goes."""
