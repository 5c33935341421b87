"""Arrays, moments, sums and seeds: what every statistic builds on."""
