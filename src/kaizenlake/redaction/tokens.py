"""Secrets in a text: private keys, keys and tokens by their well-known beginnings, what is named a secret, and what looks like one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from math import log2

_PRIVATE_KEY = re.compile(
    r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----|\Z)",
    re.DOTALL,
)

_TOKEN = re.compile(
    r"(?<![A-Za-z0-9_\-])(?:"
    r"sk-(?:ant-|proj-|svcacct-|or-v1-)?[A-Za-z0-9_\-]{16,}"  # OpenAI, Anthropic and others
    r"|[spr]k_(?:live|test)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9+/=]{16,}"  # Stripe
    r"|(?:AKIA|ASIA|ABIA|ACCA|AGPA|AIDA|AROA|ANPA)[A-Z0-9]{16}(?![A-Za-z0-9])"  # AWS
    r"|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_\-]{16,}|gl(?:dt|rt|ptt)-[A-Za-z0-9_\-]{16,}"
    r"|xox[abeoprs]-[A-Za-z0-9\-]{10,}|xapp-[A-Za-z0-9\-]{10,}"  # Slack
    r"|AIza[A-Za-z0-9_\-]{30,}|ya29\.[A-Za-z0-9_\-]{20,}|GOCSPX-[A-Za-z0-9_\-]{20,}"  # Google
    r"|SG\.[A-Za-z0-9_\-]{16,}\.[A-Za-z0-9_\-]{16,}|key-[0-9a-f]{32}|xkeysib-[0-9a-f]{32,}[A-Za-z0-9\-]*"  # mailers
    r"|hf_[A-Za-z0-9]{20,}|npm_[A-Za-z0-9]{30,}|pypi-[A-Za-z0-9_\-]{30,}|dckr_pat_[A-Za-z0-9_\-]{20,}"
    r"|do[opr]_v1_[0-9a-f]{40,}|shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}|sq0[a-z]{3}-[A-Za-z0-9_\-]{20,}|EAA[A-Za-z0-9]{40,}"
    r"|(?:lin_api|secret|ntn|pat|figd|PMAK|r8|gsk|xai|tvly|nvapi|sbp|dapi|dp\.pt\.)[_\-][A-Za-z0-9_\-]{30,}"
    r"|eyJ[A-Za-z0-9_\-]{8,}\.eyJ[A-Za-z0-9_\-]{5,}\.[A-Za-z0-9_\-]{8,}"  # JSON Web Token
    r"|AGE-SECRET-KEY-1[0-9A-Z]{40,}"
    r"|[0-9]{8,10}:AA[A-Za-z0-9_\-]{33}"  # Telegram
    r")"
)
_IN_HOOK = re.compile(
    r"hooks\.slack\.com/(?:services|workflows)/(?P<value>[A-Za-z0-9/]{20,})"
    r"|discord(?:app)?\.com/api/webhooks/(?P<discord>[0-9]{10,}/[A-Za-z0-9_\-]{20,})"
)
"""Addresses to which whoever knows them can post."""


_NAMED = re.compile(
    r"(?i)(?<![A-Za-z0-9])(?:[A-Za-z0-9]{1,20}[_\-.]){0,4}"
    r"(?:api[_\-. ]?key|apikey|secret(?:[_\-. ]?(?:access[_\-. ]?)?key)?|(?:shared[_\-. ]?)?access[_\-. ]?(?:key|signature)|account[_\-. ]?key|access[_\-. ]?token|auth[_\-. ]?token"
    r"|token|password|passwd|(?:pass|pw)(?=\s?[:=])|passwort|pwd|client[_\-. ]?secret|private[_\-. ]?key|credentials?)"
    r"[\"']?\s*(?P<sign>:=|=>|[:=]|\bis\b)\s*[\"'`]?(?P<value>[^\s\"'`,;<>]{8,})"
)
_BEARER = re.compile(r"(?i)\b(?:bearer|basic)\s+(?P<value>[A-Za-z0-9._~+/\-]{16,}={0,2})")
_IN_ADDRESS = re.compile(r"[a-z][a-z0-9+.\-]{1,20}://[^\s/:@]{0,100}:(?P<value>[^\s/@]{3,200})@")

_LONG = re.compile(r"(?<![A-Za-z0-9+/=_\-.%:])[A-Za-z0-9+/_\-]{32,}={0,2}(?![A-Za-z0-9+/=_\-.%])")
_CAMEL = re.compile(r"[A-Z][a-z]{2,}")
_HEX = re.compile(r"[0-9a-fA-F\-]+\Z")


def secrets(text: str) -> Iterator[tuple[int, int, str]]:
    """Find secrets: private keys, tokens with a known beginning, values that are named as secrets, and random long words."""
    for pattern in (_PRIVATE_KEY, _TOKEN):
        for match in pattern.finditer(text):
            yield match.start(), match.end(), match[0]
    for pattern in (_NAMED, _BEARER, _IN_ADDRESS):
        for match in pattern.finditer(text):
            if pattern is not _NAMED or _is_secret(match["value"], match["sign"]):
                yield *match.span("value"), match["value"]
    for match in _IN_HOOK.finditer(text):
        yield *match.span(match.lastgroup or 0), match[match.lastgroup or 0]
    for match in _LONG.finditer(text):
        if _is_random(match[0]):
            yield match.start(), match.end(), match[0]


def _is_secret(value: str, sign: str) -> bool:
    """Return whether what is named a secret is one, and no word such as `required` or a place holder such as `${TOKEN}`."""
    if value[0] in "$<{[(%*" or "[secret" in value:
        return False
    has_digits, has_letters = (any(map(test, value)) for test in (str.isdigit, str.isalpha))
    return has_letters and (has_digits or (sign == "=" and value.lower() not in _NO_SECRETS))


_NO_SECRETS = frozenset({"required", "optional", "undefined", "disabled", "redacted", "forgotten"})


def _is_random(word: str) -> bool:
    """Return whether a long word was drawn: upper and lower case and digits well mixed; hashes in hexadecimal are none."""
    if _HEX.match(word) or word.count("-") > 4 or word.count("/") > 3 or word.count("_") > 4:
        return False
    if sum(map(len, _CAMEL.findall(word))) > len(word) / 2:
        return False
    has_all = any(char.isupper() for char in word) and any(char.islower() for char in word)
    digits = sum(char.isdigit() for char in word)
    if not has_all or not 1 <= digits <= len(word) * 0.6:
        return False
    shares = [number / len(word) for number in Counter(word).values()]
    changes = sum(_case(one) != _case(other) for one, other in pairwise(word))
    return -sum(share * log2(share) for share in shares) >= _BITS and changes >= len(word) * 0.3


_BITS = 4.0
"""Least entropy a character of a random word, in bits."""


def _case(character: str) -> int:
    return 0 if character.isdigit() else 1 if character.isupper() else 2
