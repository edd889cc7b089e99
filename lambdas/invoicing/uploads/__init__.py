"""CSV uploads: from a file in a bucket to invoices in the table, in parts, with reports and an archive.

An upload on its way:

- `upload`: one upload, and which uploads an event names
- `intake`: the order of the steps, with a timeline of the moments at which an invocation may be killed
- `deadline`: how long a part may take
- `progress`: the upload's item in the table
- `checkpoints`: what that item holds
- `source`: open the file, and verify a gzip file
- `reader`: read its rows
- `part_import`: write their invoices
- `handover`: the next checkpoint
- `continuation`: the event that starts the next part
- `report_files`: write the reports
- `archive`: move the file into the archive

What the steps use:

- `buckets`: the uploads and archives buckets
- `csv_file`: one CSV file, surveyed first and then read from any place on
- `csv_bytes`: from bytes to lines: gzip, encodings, line ends
- `csv_text`: from lines to records: cells and quotation marks
- `csv_header`: the delimiter, the header and its columns
- `csv_columns`: columns that must not be left unread
- `csv_harmless`: words that change no invoice
- `csv_banners`: texts beside the table that say how all its rows are meant
- `csv_rows`: from records to rows, below whichever header they are, and which of them are one invoice
- `csv_cells`: texts that stand for nothing, or name a sum
- `csv_identifiers`: which numbers and customers are the same, and what programs have made of them
- `csv_number_words`: invoice numbers with words
- `csv_strays`: rows whose number is lost
- `csv_numbers`: numbers, and what they prove about the decimal mark
- `csv_percentages`: percentages that may be something else, as their column proves
- `csv_dates`: dates, and the formats that an uploader may declare
- `csv_invoices`: from rows to invoices, with the reasons for rejection
- `survey`: what a file proves as a whole
- `seen_numbers`: which numbers come more than once
- `apart`: the rows of invoices that stand apart, in temporary files
- `apart_invoices`: one invoice of such rows, or none
- `reports`: what the reports contain
"""
