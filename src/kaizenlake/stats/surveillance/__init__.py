"""Watch series of days: what is usual on a weekday, and whether a day, or the days since some day, lie below it."""
