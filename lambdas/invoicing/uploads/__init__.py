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
- `csv_bytes`: from bytes to lines: gzip, encodings, line ends
- `csv_text`: from lines to records: delimiter, header, quotation marks
- `csv_invoices`: from records to invoices: columns, numbers, reasons for rejection
- `reports`: what the reports contain
"""
