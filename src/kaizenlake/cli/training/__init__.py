"""Commands on what is learnt from: errors, data sets and figures of learning."""
