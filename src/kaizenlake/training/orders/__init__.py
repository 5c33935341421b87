"""What a training job is asked for: its settings and its rows."""
