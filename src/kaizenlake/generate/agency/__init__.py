"""Make work products for brands: documents whose figures come from the tables, with their evidence."""
