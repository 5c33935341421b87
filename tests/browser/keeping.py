"""What every page of ours keeps, on any screen."""

from __future__ import annotations


def shown_quietly(chromium, page, width, scheme):
    """Open a page: it complains of nothing, asks for nothing, and is no wider than the window."""
    chromium.open(page, width=width, scheme=scheme)
    assert chromium.complaints() == []
    assert chromium.requests() == []
    assert chromium.evaluate("document.documentElement.scrollWidth") <= width


def runs_nothing(chromium):
    """The page that is open made no element and no handler of words from outside, and ran none."""
    assert chromium.evaluate("typeof window.hit") == "undefined"
    assert chromium.evaluate("document.querySelectorAll('script, img, iframe, object, embed, link').length") == 0
    handlers = (
        "[...document.querySelectorAll('*')].filter(e => [...e.attributes].some(a => /^on/i.test(a.name))).length"
    )
    assert chromium.evaluate(handlers) == 0
