"""The PDF of an invoice: layout, fonts, text direction and the bucket that stores it."""
