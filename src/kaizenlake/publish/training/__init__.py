"""What leaves of what is learnt from: data sets as files of other libraries, and figures for monitoring."""
