"""Tell people of new alerts: by a webhook, and by e-mail."""
