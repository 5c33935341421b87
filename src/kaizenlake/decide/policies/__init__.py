"""Decide on versions of policies: drafts, gates, approvals, promotions, roll backs."""
