"""Files that nobody should have to read: every reader meets each of them."""

from __future__ import annotations

BOMB = b"[" * 200_000

NO_SIGNED_FILE = (
    b"",
    b"{",
    b"null",
    b"[]",
    b"7",
    b'"text"',
    b"\xff\xfe",
    b"\xef\xbb\xbf{}",
    b'{"signed": NaN}',
    b'{"signed": {}}',
    b'{"signed": ' + b"9" * 10_000 + b"}",
    b'{"a":' * 100_000,
    BOMB,
)
"""What has not the form of a signed file, or nothing in it."""
