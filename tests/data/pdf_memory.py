"""The memory that the largest document takes: renders an invoice of 5,000 lines as generate-pdf does, prints the peak.

    PYTHONPATH=lambdas:. python tests/data/pdf_memory.py 5000

The peak is the process's own, from the start of the interpreter on: what a function's memory setting has to cover.
"""

import json
import resource
import sys
import time
from pathlib import Path

from invoicing.documents.pdf import Renderer
from invoicing.runtime.settings import BrandSettings
from tests.data.invoices import LINE, an_invoice

FONTS = Path(__file__).resolve().parents[2] / "lambdas" / "generate_pdf" / "fonts"


def main(lines: int) -> None:
    """Render, and print the figures as JSON."""
    invoice = an_invoice("processed", lines=[LINE | {"description": f"Żółw ①, line {n}"} for n in range(lines)])
    started = time.monotonic()
    size = len(Renderer(BrandSettings.load({"BRAND_NAME": "Example Ltd"}), FONTS).render(invoice))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # kilobytes on Linux
    seconds = round(time.monotonic() - started, 1)
    sys.stdout.write(json.dumps({"lines": lines, "bytes": size, "seconds": seconds, "peak_kilobytes": peak}) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]))
