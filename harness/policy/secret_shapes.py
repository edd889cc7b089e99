"""Texts that are secrets by their form: keys, tokens, addresses with a password, connection strings, random texts.

Known prefixes and forms are those that their issuers document. A secret without a known form is random, and no word is:
a long run of letters and digits whose capitals, small letters and digits change all the time. AWS's own secret keys are
such texts: 40 characters of ``A-Za-z0-9/+``, as in the examples of
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html. What is encoded as base64 or by per
cents is judged decoded.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import pairwise
from urllib.parse import unquote

_PHRASE = r"[\w.-]*(?:password|passwd|passphrase|pwd)|(?:\w+[_-])?pass"
_KEYS = r"secret(?:[_-]?(?:access)?[_-]?key)?|api[_-]?key|(?:access|auth)?[_-]?token|client[_-]?secret"
_SECRET = rf"{_PHRASE}|(?:\w+[_-])?(?:{_KEYS})"
_NAMED_KEY = r"(?:[\w-]*[_-])?(?:routing|integration|service|pagerduty|signing|webhook)[_-]?(?:key|token|secret)"
_RUN_WITH_DIGITS = r"(?=[\w-]*\d)(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[A-Za-z0-9_-]{20,})(?![\w-])"
_REFERENCE = r"(?:var|local|each|module|data|ephemeral|null|true|false|(?:aws|random)_\w+)\b|\w+\("
_VALUE = rf"(?![\s\"'<*{{%$]|{_REFERENCE})[^\s\"'&;,)]{{3,}}"

_SHAPES: Mapping[str, str] = {
    "an AWS access key": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\b(?:FwoGZXIvYXdz|IQoJb3JpZ2lu)[\w+/=]{20,}",
    "a private key": r"-{4,5} ?BEGIN [A-Z0-9 ]*PRIVATE KEY|\bAGE-SECRET-KEY-1[0-9A-Z]{20,}|\bPuTTY-User-Key-File-\d"
    r"|\b(?:MII[A-Za-z0-9+/]{2}[A-Za-z0-9+/]IBA[AD]|MHcCAQEE|MIG[A-Za-z0-9]AgEA)[\w+/]{20,}"
    r"|[\"']d[\"']\s*:\s*[\"'][\w-]{20,}[\"']",
    "a chat webhook": r"hooks\.slack\.com/(?:services|workflows|triggers)/\w+/\w+"
    r"|\bdiscord(?:app)?\.com/api/webhooks/\d+/[\w-]+"
    r"|webhook\.office(?:365)?\.com/webhookb2/[\w@-]+"
    r"|\bchat\.googleapis\.com/v1/spaces/[^\s\"]*[?&](?:key|token)=[\w%-]+"
    r"|\bapi\.telegram\.org/bot\d+:[\w-]{20,}"
    r"|\bqyapi\.weixin\.qq\.com/[^\s\"]*[?&]key=[\w-]+|\boapi\.dingtalk\.com/[^\s\"]*[?&]access_token=\w+"
    r"|/hooks/[a-z0-9]{26}\b",
    "a webhook": r"\bhooks\.zapier\.com/hooks/\w+/\d+/\w+|\bhook\.(?:[\w-]+\.)?(?:make|integromat)\.com/\w{20,}"
    r"|\bmaker\.ifttt\.com/\S*/key/[\w-]+|\bevents\.(?:eu\.)?pagerduty\.com/[^\s\"]*[0-9A-Za-z]{20,}"
    rf"|\balert\.victorops\.com/integrations/[^\s\"]+/alert/[\w-]+|/integrations/[^\s\"]*{_RUN_WITH_DIGITS}"
    rf"|(?i:/(?:web-?)?hooks?(?:-\w+)?/[^\s\"]*?{_RUN_WITH_DIGITS})"
    rf"|(?i:://[^\s\"]+[?&](?:key|code|auth|hash|token)={_RUN_WITH_DIGITS})"
    r"|\bhc-ping\.com/[\w-]{22,}|\bm\.pipedream\.net/\w{8,}|\.m\.pipedream\.net\b",
    "a shared access signature": r"[?&;](?:amp;)?sig=[\w%+/=-]{20,}|\bSharedAccessSignature\s",
    "a presigned address": r"(?i)X-(?:Amz|Goog)-Signature=[0-9a-f]{32,}"
    r"|[?&]AWSAccessKeyId=\w+[^\s\"]*[?&]Signature=|[?&]Signature=[^\s\"&]{20,}[^\s\"]*[?&]Key-Pair-Id=",
    "an address with a password": r"(?i)\b[a-z][a-z0-9+.-]*://[^/\s:@\"]*:(?!\d{1,5}/)[^\s@\"]+@"
    r"|://[^/\s:@\"$]{16,}@"
    r"|\bjdbc:oracle:\w+:[^/\s@\"]+/[^\s@\"]+@|\b[\w.-]+/[^\s@/\"]+@//\w"
    r"|\b[\w.-]+:[^\s@:\"]+@(?:tcp|unix)\(",
    "a connection string": r"(?i)\b(?:AccountKey|SharedAccessKey|SharedSecretValue)\s*=\s*[\w+/=-]{16,}"
    rf"|(?<![\w.-])(?:{_PHRASE})\s*=\s*[\"'{{]?{_VALUE}"
    r"|(?m:^\s*[\w.-]*(?:password|passwd|pwd)\s*:\s*[^\s\"'{}<*$]{6,}\s*$)"
    r"|\blogin\s+\S+\s+password\s+[^\s\"<*$]{3,}|--password\s+[^\s\"<*$-]{3,}"
    rf"|(?<![\w-])[\"'](?:{_SECRET})\\?[\"']\s*:\s*\\?[\"'](?![\s\"'<*%$]|\{{)[^\s\"'\\]{{3,}}"
    rf"|[?&;](?:amp;)?(?:{_SECRET})={_VALUE}",
    "a password": rf"(?i:(?<![\w.-])(?:{_PHRASE})\s*(?::|\bis\b)\s*(?!{_REFERENCE}))"
    r"(?=[^\s\"']*\d)(?=[^\s\"']*[A-Za-z])(?![^\s\"']*[({$<*])[^\s\"',;]{8,}",
    "an API key": r"\b[srp]k_(?:live|test)_[A-Za-z0-9]{10,}|\bwhsec_[A-Za-z0-9+/=]{16,}"
    r"|\bAIza[\w-]{35}|\bSG\.[\w-]{16,}\.[\w-]{16,}|\bkey-[0-9a-f]{32}\b|\bSK[0-9a-f]{32}\b"
    r"|\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{20,}|\bsh(?:pat|pss|ppa|pca)_[0-9a-f]{16,}|\bsq0[a-z]{3}-[\w-]{20,}"
    r"|\bAC[0-9a-f]{32}\b|(?<![\w+])u\+[\w-]{18}(?![\w-])|(?i:\bgeniekey\s+[0-9a-f-]{36}\b)"
    rf"|(?i:(?<![\w-]){_NAMED_KEY}\b[\"']?\s*[:=]\s*[\"']?(?=[a-z0-9]*\d)[a-z0-9]{{32}}\b)"
    r"|\b[0-9a-f]{32}-us\d{1,2}\b|\bNRAK-[0-9A-Z]{20,}|\blin_api_\w{20,}|\bxkeysib-[0-9a-f]{20,}|\bPMAK-[\w-]{20,}",
    "a token": r"\bgh[pousr]_[A-Za-z0-9]{30,}|\bgithub_pat_\w{20,}|\bxox[a-z]-[A-Za-z0-9-]{10,}"
    r"|\bgl(?:pat|rt|rtr|dt|ptt|cbt|soat|ffct|agent|imt|ft|oas)-[\w-]{16,}|\bGR1348941[\w-]{16,}"
    r"|\bxapp-\d-[\w-]{10,}|\bnpm_[A-Za-z0-9]{30,}|\bpypi-AgEI[\w-]{20,}|\bhv[sbr]\.[\w-]{20,}|\bdo[opr]_v1_[0-9a-f]{32,}"
    r"|\bhf_[A-Za-z0-9]{30,}|\bATATT3x[\w=-]{20,}|\bATBB\w{20,}|\b\d{8,10}:AA[\w-]{33}\b|\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\."
    r"|\bsntry[su]_[\w+/=-]{20,}|\bdckr_(?:pat|oat)_[\w-]{20,}|\bdapi[0-9a-f]{32}|\bgl(?:sa|c)_[\w+/=]{20,}"
    r"|\bya29\.[\w-]{20,}|\bGOCSPX-[\w-]{20,}|\.atlasv1\.[\w-]{20,}|\bdp\.[a-z]{2,5}\.\w{20,}|\bdt0c01\.\w{20,}"
    r"|\bsq[pau]_[0-9a-f]{40}\b|\bpul-[0-9a-f]{40}\b|\bsbp_[0-9a-f]{40}\b|\bfigd_[\w-]{20,}|\bpscale_\w+_[\w-]{20,}"
    r"|(?i:\b(?:bearer|basic)\s+(?=[\w+/=.-]*\d)[\w+/=.-]{16,})"
    rf"|(?i:(?<![\w-])(?:{_SECRET})\b[\"']?\s*[:=]\s*[\"']?[0-9a-f]{{32,}}\b)",
}
"""By what it is."""

_COMPILED = {name: re.compile(pattern) for name, pattern in _SHAPES.items()}

_RUN = re.compile(r"[A-Za-z0-9+/_-]{24,}={0,2}")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{24,}={0,2}")
_AWS_KEY = re.compile(r"[A-Za-z0-9+][A-Za-z0-9+/]{39}")

SHORTEST = 24
"""From this number of characters on, a text is long enough to tell whether it is random."""

_CHANGES = 0.4
"""The share of neighbours of different kinds from which on a text is random: 0.62 on average, below 0.35 in names."""

_CHANGES_OF_AWS = 0.3
"""The same for texts of AWS's length and alphabet, which names and paths rarely have."""

_MOST_SLASHES = 4
"""A path of 40 characters has this many, and one key in 200 has."""


@lru_cache(maxsize=65536)
def shape_of(text: str) -> str | None:
    """What secret a text contains, such as ``a chat webhook``; None if none is known to look like it.

    Args:
        text: A value, or a line of source.
    """
    found = next((name for name, pattern in _COMPILED.items() if pattern.search(text)), None)
    return found or next((f"{inner}, encoded" for each in _decoded(text) if (inner := shape_of(each))), None)


@lru_cache(maxsize=65536)
def random_in(text: str) -> str | None:
    """The random text that a text contains, in words; None if everything in it may be a name, a path or a digest.

    Args:
        text: What somebody wrote. Values that AWS has made up are random, too: versions' ids and hashes.
    """
    for match in _RUN.finditer(text):
        run = match[0].rstrip("=")
        if _AWS_KEY.fullmatch(run) and run.count("/") < _MOST_SLASHES and is_random(run, _CHANGES_OF_AWS):
            return "40 characters, as AWS's secret keys are"
        for part in run.split("/"):
            if len(part) >= SHORTEST and is_random(part, _CHANGES):
                return f"a random text of {len(part)} characters, as keys and tokens are"
    return None


def is_random(text: str, changes: float) -> bool:
    """Whether letters and digits are mixed as in no word: digests in hexadecimal digits are not, nor is a UUID.

    Args:
        text: Letters, digits and separators.
        changes: The share of neighbours of different kinds that it needs.
    """
    kinds = [_kind(each) for each in text]
    if not {"a", "A", "0"} <= {*kinds}:
        return False
    pairs = [(left, right) for left, right in pairwise(kinds) if left and right]
    return sum(left != right for left, right in pairs) >= changes * len(pairs)


def _kind(character: str) -> str:
    return "a" if character.islower() else "A" if character.isupper() else "0" if character.isdigit() else ""


def _decoded(text: str) -> Iterator[str]:
    """What a text says without its encoding: by per cents, or as base64 of readable text."""
    if "%" in text and (plain := unquote(text)) != text:
        yield plain
    for match in _BASE64.finditer(text):
        run = match[0].rstrip("=").translate(str.maketrans("-_", "+/"))
        try:
            plain = base64.b64decode(run + "=" * (-len(run) % 4)).decode()
        except (binascii.Error, UnicodeDecodeError):
            continue
        if plain.isascii() and all(each.isprintable() or each.isspace() for each in plain):
            yield plain
