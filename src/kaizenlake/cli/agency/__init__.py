"""Commands of the agency: brands, tasks and their schedule."""
