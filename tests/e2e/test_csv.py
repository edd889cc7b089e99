"""CSV files become invoices and PDFs: the main task, through the uploads bucket and the API."""

import csv
import functools
import gzip
import io
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pypdf
import pytest

from harness.stack.deployment import Stack

HEADER = (
    "invoice_number;customer_id;customer_name;issue_date;currency;description;quantity;unit_price;discount;tax_rate"
)


def rows(customer: str) -> str:
    """Two valid invoices (one of two rows, one in yen) and one with an invalid row, as a German spreadsheet has them.

    The invoice in yen is for another customer, because a customer is invoiced in one currency. The numbers are the
    test's own: a number is used once by the whole stack.
    """
    today = datetime.now(UTC).date().isoformat()
    return "\r\n".join(
        [
            HEADER,
            f"{customer}-0007;{customer};Żółw & Co;{today};EUR;Beratung;3;1.250,50;10;19",
            f"{customer}-0007;{customer};Żółw & Co;{today};EUR;Bücher;2;9,99;;7",
            f"{customer}-0008;{customer}-JP;Żółw & Co;{today};JPY;@home (Tee);1;980;;10",
            f"{customer}-0009;{customer};Żółw & Co;{today};EUR;Nichts;0;1,00;;19",
            "",
        ]
    )


def upload(
    client: Callable[[str], Any],
    stack: Stack,
    wait: Callable[..., Any],
    name: str,
    content: str | bytes,
    **metadata: str,
) -> dict[str, Any]:
    """Upload a file and return its report; names of metadata are written with ``_`` here."""
    s3 = client("s3")
    body = content.encode() if isinstance(content, str) else content
    declared = {name.replace("_", "-"): value for name, value in metadata.items()}
    s3.put_object(Bucket=stack.uploads_bucket, Key=f"incoming/{name}", Body=body, Metadata=declared)

    def report() -> dict[str, Any] | None:
        try:
            stored = s3.get_object(Bucket=stack.uploads_bucket, Key=f"reports/{name}.json")
        except s3.exceptions.NoSuchKey:
            return None
        content: dict[str, Any] = json.load(stored["Body"])
        return content

    result: dict[str, Any] = wait(report, f"the report of {name}")
    return result


def invoices_of(api: Any, customer: str) -> dict[str, dict[str, Any]]:
    """The invoices of the file's customers, by the number without the customer."""
    invoices: dict[str, dict[str, Any]] = {}
    for name in (customer, f"{customer}-JP"):
        response = api("GET", "/invoices", customerId=name, limit="100")
        assert response.status == 200, response.text
        invoices |= {item["invoiceNumber"].removeprefix(f"{customer}-"): item for item in response.body["items"]}
    return invoices


def test_csv_becomes_invoices_and_pdfs(
    api: Any, client: Callable[[str], Any], stack: Stack, wait: Callable[..., Any], customer: str
) -> None:
    report = upload(client, stack, wait, f"{customer}.csv", rows(customer))

    assert (report["rows"], report["created"], report["duplicates"], report["rejected"]) == (4, 2, 0, 1)
    listed = invoices_of(api, customer)
    assert set(listed) == {"0007", "0008"}
    # 3 x 1250.50 - 10 % = 3376.35; 2 x 9.99 = 19.98; tax 641.51 + 1.40
    assert listed["0007"]["total"] == "4039.24"
    assert listed["0008"]["total"] == "1078"
    assert "lines" not in listed["0007"]

    def documented() -> dict[str, Any] | None:
        read: dict[str, Any] = api("GET", f"/invoices/{listed['0007']['invoiceId']}").body
        return read if "documentUrl" in read and read["status"] == "processed" else None

    invoice = wait(documented, "the PDF of invoice 0007")
    assert invoice["source"] == f"s3://{stack.uploads_bucket}/incoming/{customer}.csv#2"
    pdf = api.http.request("GET", invoice["documentUrl"])
    assert pdf.status == 200
    assert pdf.headers["content-type"] == "application/pdf"
    text = re.sub(r"[\s,]", "", "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf.data)).pages))
    for figure in (invoice["total"], invoice["subtotal"], *(tax["amount"] for tax in invoice["taxes"])):
        assert figure in text, f"{figure} is not in {text}"
    for words in ("0007", "Żółw", "Beratung", "Bücher"):
        assert words in text, f"{words} is not in {text}"


def test_the_whole_file_and_its_metadata_settle_what_a_row_cannot_tell(
    api: Any, client: Callable[[str], Any], stack: Stack, wait: Callable[..., Any], customer: str
) -> None:
    """GIVEN rows apart, an ambiguous quantity, and dates of a country THEN two invoices are whole and right."""
    today = datetime.now(UTC).date().strftime("%d.%m.%Y")
    lines = [
        f"{customer}-1;{customer};A & Co;{today};CHF;Beratung;1.000;80;;8.1",
        f"{customer}-2;{customer};A & Co;{today};CHF;Bücher;2.500;1'249.50;;0",
        f"{customer}-1;{customer};A & Co;{today};CHF;Reise;1;45.00;;8.1",
        f"2.02611E+11;{customer};A & Co;{today};CHF;Zerstört;1;45.00;;8.1",
    ]

    report = upload(
        client,
        stack,
        wait,
        f"{customer}.csv",
        "\r\n".join([HEADER, *lines, ""]).encode("cp1252"),
        date_format="dd.mm.yyyy",
    )

    assert (report["rows"], report["created"], report["rejected"]) == (4, 2, 1)
    assert "Row 3 has 'Bücher'" in report["note"]
    totals = {number: invoice["total"] for number, invoice in invoices_of(api, customer).items()}
    assert totals == {"1": "135.13", "2": "3123.75"}  # (80 + 45) x 1.081; 2.5 x 1249.50


def test_rejected_rows_are_reported_for_a_person_to_fix(
    client: Callable[[str], Any], stack: Stack, wait: Callable[..., Any], customer: str
) -> None:
    report = upload(client, stack, wait, f"{customer}.csv", rows(customer))

    content = client("s3").get_object(Bucket=stack.uploads_bucket, Key=report["rejectedReport"])["Body"].read()
    rejected = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))

    assert [(row["row"], row["column"], row["value"]) for row in rejected] == [("5", "quantity", "0")]
    assert rejected[0]["reason"]


def test_same_file_again_creates_nothing_and_the_original_is_archived(
    api: Any, client: Callable[[str], Any], stack: Stack, wait: Callable[..., Any], customer: str
) -> None:
    first = upload(client, stack, wait, f"{customer}-1.csv", rows(customer))
    before = invoices_of(api, customer)

    again = upload(client, stack, wait, f"{customer}-2.csv", rows(customer))

    assert (again["created"], again["duplicates"], again["rejected"]) == (0, 2, 1)
    assert invoices_of(api, customer).keys() == before.keys()

    def archived() -> list[str] | None:
        objects = client("s3").list_objects_v2(Bucket=stack.archives_bucket).get("Contents", [])
        keys = [item["Key"] for item in objects if customer in item["Key"]]
        return keys if len(keys) == 2 else None

    assert sorted(wait(archived, "both originals in the archive")) == sorted([first["archive"], again["archive"]])
    assert first["archive"].startswith(f"{datetime.now(UTC):%Y/%m}/{customer}-1.")
    remaining = client("s3").list_objects_v2(Bucket=stack.uploads_bucket, Prefix=f"incoming/{customer}")
    assert remaining["KeyCount"] == 0


def test_same_number_with_other_content_is_rejected_not_overwritten(
    api: Any, client: Callable[[str], Any], stack: Stack, wait: Callable[..., Any], customer: str
) -> None:
    upload(client, stack, wait, f"{customer}-1.csv", rows(customer))

    changed = upload(client, stack, wait, f"{customer}-2.csv", rows(customer).replace(";980;", ";981;"))

    assert (changed["created"], changed["duplicates"], changed["rejected"]) == (0, 1, 2)
    assert invoices_of(api, customer)["0008"]["total"] == "1078"


@pytest.mark.parametrize(
    ("suffix", "encoded"),
    [
        (".csv", lambda text: text.encode("utf-16")),
        (".csv", lambda text: gzip.compress(text.encode())),
        (".csv.gz", lambda text: gzip.compress(text.encode())),
        (".CSV", lambda text: text.replace("Żółw", "Zólw").encode("cp1252")),
    ],
    ids=["utf-16", "gzip-in-csv", "csv.gz", "capitals-windows-1252"],
)
def test_files_are_imported_as_programs_write_them(
    api: Any,
    client: Callable[[str], Any],
    stack: Stack,
    wait: Callable[..., Any],
    customer: str,
    suffix: str,
    encoded: Callable[[str], bytes],
) -> None:
    report = upload(client, stack, wait, f"{customer}{suffix}", encoded(rows(customer)))

    assert (report["rows"], report["created"], report["duplicates"], report["rejected"]) == (4, 2, 0, 1)
    assert {number: invoice["total"] for number, invoice in invoices_of(api, customer).items()} == {
        "0007": "4039.24",
        "0008": "1078",
    }


def test_a_workbook_is_reported_and_archived(
    client: Callable[[str], Any], stack: Stack, wait: Callable[..., Any], customer: str
) -> None:
    report = upload(client, stack, wait, f"{customer}.csv", b"PK\x03\x04" + bytes(500))

    assert "Excel workbook" in report["error"]
    wait(
        lambda: (
            client("s3").list_objects_v2(Bucket=stack.uploads_bucket, Prefix=f"incoming/{customer}")["KeyCount"] == 0
            or None
        ),
        "the upload to be moved away",
    )


@pytest.fixture
def short_time_out(client: Callable[[str], Any], stack: Stack) -> Iterator[None]:
    """create-invoice gets seven seconds. It keeps six in reserve, so a long file takes several parts.

    A time-out is part of a published version, so the alias moves to another version and back.
    """
    functions, name = client("lambda"), stack.functions["create-invoice"]
    before = functions.get_function_configuration(FunctionName=name)["Timeout"]
    version = functions.get_alias(FunctionName=name, Name="live")["FunctionVersion"]
    functions.update_function_configuration(FunctionName=name, Timeout=7)
    short = functions.publish_version(FunctionName=name)["Version"]
    functions.update_alias(FunctionName=name, Name="live", FunctionVersion=short)

    yield

    functions.update_alias(FunctionName=name, Name="live", FunctionVersion=version)
    functions.update_function_configuration(FunctionName=name, Timeout=before)


@pytest.mark.parametrize(("suffix", "packed"), [(".csv", bytes), (".csv.gz", gzip.compress)], ids=["plain", "gzip"])
@pytest.mark.usefixtures("short_time_out")
def test_a_file_that_takes_several_invocations_is_imported_exactly_once(
    api: Any,
    client: Callable[[str], Any],
    stack: Stack,
    wait: Callable[..., Any],
    customer: str,
    suffix: str,
    packed: Callable[[bytes], bytes],
) -> None:
    """Most of its rows are rejected: they take time to read, and cause no PDFs that other tests would wait for."""
    today = datetime.now(UTC).date().isoformat()
    invalid, every = 80_000, 8_000
    lines = [HEADER.replace(";", ",")]
    for number in range(invalid):
        lines.append(f"{customer}-F-{number},{customer},Co,{today},EUR,Nothing,none,1.00,,19")
        if number % every == 0:
            lines.append(f"{customer}-S-{number},{customer},Co,{today},EUR,Thing {number},1,10.00,,19")
    content = packed("\n".join(lines).encode())

    report = upload(client, stack, functools.partial(wait, deadline_s=180), f"{customer}{suffix}", content)

    valid = invalid // every
    assert report["parts"] > 1, report
    assert (report["rows"], report["created"], report["rejected"]) == (invalid + valid, valid, invalid)
    assert len(invoices_of(api, customer)) == valid
    body = client("s3").get_object(Bucket=stack.uploads_bucket, Key=report["rejectedReport"])["Body"].read()
    rejected = [int(row["row"]) for row in csv.DictReader(io.StringIO(body.decode("utf-8-sig")))]
    assert len(rejected) == invalid
    assert rejected == sorted(rejected)

    again = upload(client, stack, functools.partial(wait, deadline_s=180), f"{customer}-2{suffix}", content)

    assert (again["created"], again["duplicates"], again["rejected"]) == (0, valid, invalid)
