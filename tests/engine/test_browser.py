"""A page of another site, in a real browser, tries what it can against a running engine: nothing changes.

All traffic of the browser goes through a proxy of the test. So the page can have any name, and requests are counted.
DNS rebinding is as real as a browser can tell: a name that belonged to the page's server later belongs to the engine.
"""

import base64
import http.client
import io
import json
import os
import shutil
import subprocess
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from botocore.auth import S3SigV4QueryAuth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from harness.engine import REGION
from harness.stack.inventory import inventory
from tests.engine.cloud import Cloud, eventually

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER = next((program for name in BROWSERS if (program := shutil.which(name))), None)

pytestmark = pytest.mark.skipif(BROWSER is None, reason=f"no browser on PATH: one of {', '.join(BROWSERS)}")

ATTACKER, REBOUND = "evil.example", "rebound.example"

PAGE = """<!doctype html><title>A page</title><body><script>
const attacks = %(attacks)s, done = "http://%(attacker)s/done";
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const quietly = (promise) => Promise.race([promise, wait(4000)]).catch(() => null);
function form(url, body) {
  const frame = Object.assign(document.createElement("iframe"), {name: "f" + Math.random()});
  const form = Object.assign(document.createElement("form"),
    {method: "POST", action: url, enctype: "text/plain", target: frame.name});
  const [name, ...rest] = body.split("=");
  form.append(Object.assign(document.createElement("input"), {name, value: rest.join("=")}));
  document.body.append(frame, form);
  form.submit();
}
function attack({method, url, body}, index) {
  if (method === "GET") {
    for (const tag of ["img", "script", "iframe"]) {
      document.body.append(Object.assign(document.createElement(tag), {src: url}));
    }
  } else if (method === "POST") {
    form(url, body);
    navigator.sendBeacon(url, new Blob([body], {type: "text/plain"}));
  }
  const content = method === "GET" ? undefined : body;
  const simple = index & 1 ? {headers: {"Content-Type": "text/plain"}} : {mode: "no-cors"};
  return Promise.all([
    quietly(fetch(url, {method, body: content, ...simple})),
    quietly(fetch(url, {method, body: content, headers: {"Content-Type": "application/json"}})),
  ]);
}
(async () => {
  for (const step of attacks) {  // one after the other: a function needs its role
    await Promise.all(step.map(attack));
  }
  try { new WebSocket("ws://%(engine)s/_aws/execute-api/a1b2c3/v1"); } catch {}
  await wait(500);
  await fetch(done, {mode: "no-cors"});
})();
</script>"""


@dataclass
class Site:
    """The attacker's web server, which is the browser's proxy too.

    Attributes:
        engine: Host and port of the engine.
        proxy: Its own address.
        page: What the attacker's names show.
        sent: Method and path of every request that reached the engine.
        done: Set when the page has tried everything.
    """

    engine: str
    proxy: str = ""
    page: str = ""
    sent: list[tuple[str, str]] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)


class Proxy(BaseHTTPRequestHandler):
    """Serves the attacker's page, and hands everything for the engine on as the browser sent it."""

    protocol_version = "HTTP/1.1"
    site: Site

    def serve(self) -> None:
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if url.path == "/page" and url.hostname in {ATTACKER, REBOUND}:
            self.reply(200, self.site.page.encode(), "text/html")
        elif url.netloc == ATTACKER:
            self.reply(200, b"", "text/plain")
            if url.path == "/done":
                self.site.done.set()
        elif url.netloc.endswith(self.site.engine[self.site.engine.index(":") :]):
            self.forward(f"{url.path}?{url.query}" if url.query else url.path, body)
        else:
            self.reply(404, b"", "text/plain")

    do_GET = do_POST = do_PUT = do_DELETE = do_OPTIONS = do_HEAD = serve  # noqa: N815 -- http.server's names

    def forward(self, path: str, body: bytes) -> None:
        self.site.sent.append((self.command, path))
        connection = http.client.HTTPConnection(self.site.engine, timeout=10)
        headers = {name: value for name, value in self.headers.items() if name.lower() != "proxy-connection"}
        connection.request(self.command, path, body or None, headers)
        response = connection.getresponse()
        self.reply(response.status, response.read(), response.headers.get("Content-Type", "text/plain"))
        connection.close()

    def reply(self, status: int, body: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: `Site.sent` has it."""


@pytest.fixture
def site(cloud: Cloud) -> Iterator[Site]:
    site = Site(urlsplit(cloud.engine.endpoint.url).netloc)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("SiteProxy", (Proxy,), {"site": site}))
    server.daemon_threads = True
    site.proxy = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield site
    server.shutdown()
    server.server_close()


def attacks(bases: list[str], bucket: str, marker: Path) -> list[list[dict[str, str]]]:
    """Requests as a page can send them, step by step: all that was possible with root keys that everybody knows.

    The ways to send each request take turns on the names of the engine.
    """
    keys = [Credentials("test", "test"), Credentials("000000000000", "test")]
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("app.py", f"def handler(event, context):\n    open({str(marker)!r}, 'w').close()\n")
    function = {
        "FunctionName": "intruder",
        "Role": "arn:aws:iam::000000000000:role/intruder",
        "Runtime": "python3.13",
        "Handler": "app.handler",
        "Code": {"ZipFile": base64.b64encode(code.getvalue()).decode()},
    }
    role = "Action=CreateRole&Version=2010-05-08&RoleName=intruder&AssumeRolePolicyDocument=%7B%7D"
    requests = [
        ("iam", "POST", f"/?{role}", "x=y"),
        ("iam", "POST", "/", role),
        ("lambda", "POST", "/2015-03-31/functions", json.dumps(function)),
        ("lambda", "POST", "/2015-03-31/functions/intruder/invocations", "{}"),
        ("s3", "PUT", f"/{bucket}/intruder.txt", "mine"),
        ("s3", "PUT", "/intruder-bucket", ""),
        ("s3", "DELETE", f"/{bucket}/kept.txt", ""),
        ("engine", "POST", "/_ministack/reset", "x=y"),
        ("engine", "GET", "/_ministack/reset", ""),
        ("engine", "POST", "/_ministack/config", "{}"),
        ("engine", "POST", "/_embedded/save", "x=y"),
    ]
    steps = []
    for number, (service, method, path, body) in enumerate(requests):
        first, second = bases[number % len(bases)], bases[(number + 1) % len(bases)]
        urls = [first + path, f"{second}{path}{'&' if '?' in path else '?'}Signature=x"]
        for key, base in zip(keys, (first, second), strict=True):
            request = AWSRequest(method, base + path)
            signer = S3SigV4QueryAuth if service == "s3" else SigV4QueryAuth
            signer(key, service, REGION, expires=600).add_auth(request)
            urls.append(str(request.url))
        steps.append([{"method": method, "url": url, "body": body} for url in urls])
    return steps


@pytest.mark.parametrize(("page", "targets"), [(ATTACKER, ("127.0.0.1", "localhost")), (REBOUND, (REBOUND,))])
def test_a_page_changes_nothing(cloud: Cloud, site: Site, tmp_path: Path, page: str, targets: tuple[str, ...]) -> None:
    # GIVEN an engine with an object, and a page that sends requests to it, directly or under a name of its own
    bucket, marker = cloud.name("bucket"), tmp_path / "ran-as-the-developer"
    cloud.client("s3").create_bucket(Bucket=bucket)
    cloud.client("s3").put_object(Bucket=bucket, Key="kept.txt", Body=b"kept")
    before = inventory(cloud.engine.endpoint.environment())
    steps = attacks([f"http://{target}:{cloud.engine.endpoint.port}" for target in targets], bucket, marker)
    site.page = PAGE % {"attacks": json.dumps(steps), "attacker": ATTACKER, "engine": site.engine}
    port = f":{cloud.engine.endpoint.port}" if page == REBOUND else ""

    # WHEN somebody opens it
    browse(site, f"http://{page}{port}/page", tmp_path)

    # THEN its requests were sent, and nothing is there that was not there before
    assert len(site.sent) > sum(len(step) for step in steps)
    assert {path.partition("?")[0] for _, path in site.sent} >= {"/_ministack/reset", "/2015-03-31/functions"}
    assert not marker.exists()
    assert inventory(cloud.engine.endpoint.environment()) == before
    keys = [entry["Key"] for entry in cloud.client("s3").list_objects_v2(Bucket=bucket)["Contents"]]
    assert keys == ["kept.txt"]


def browse(site: Site, url: str, folder: Path) -> None:
    """Open a page in a browser that protects local addresses as little as possible, until it has tried everything."""
    off = "LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests,PrivateNetworkAccessRespectPreflightResults"
    command = [
        str(BROWSER),
        "--headless=new",
        "--disable-gpu",
        "--no-first-run",
        f"--user-data-dir={folder / 'profile'}",
        f"--proxy-server={site.proxy}",
        "--proxy-bypass-list=<-loopback>",
        f"--disable-features={off}",
        *(["--no-sandbox"] if os.geteuid() == 0 else []),
        url,
    ]
    with (folder / "browser.log").open("wb") as log:
        browser = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    try:
        eventually(site.done.is_set, timeout_s=120, event="the page's last request")
    finally:
        browser.terminate()
        browser.wait(20)
