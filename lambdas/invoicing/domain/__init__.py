"""The rules of invoices, without AWS: money, totals, status, payments, models."""
