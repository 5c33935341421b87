"""Write what people read: reports as HTML and PDF."""
