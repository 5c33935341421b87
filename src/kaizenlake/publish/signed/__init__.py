"""Write and check the signed files of a publication: policies, skill cards, alerts."""
