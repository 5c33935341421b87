"""The run of the night: land, compute, publish, report, and say what was done."""
