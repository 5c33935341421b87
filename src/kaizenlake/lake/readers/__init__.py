"""Read files of any format as batches of rows in bounded memory."""
