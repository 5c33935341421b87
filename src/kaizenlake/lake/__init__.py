"""Where it is kept: landing, reading, atomic writes, maintenance."""
