"""Events of the agency: brands, and tasks for them."""
