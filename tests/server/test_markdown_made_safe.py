"""Markdown that a page shows: whatever was written, a link leads to the web or to a mailbox."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from signoff.server.site.settings import markdown

PLAIN = frozenset(
    {"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "pre", "code", "blockquote", "hr"}
    | {"br", "strong", "em", "a"}
)
"""Elements that Markdown is made of."""

ATTRIBUTES = {("a", "href"), ("a", "title"), ("ol", "start"), ("code", "class")}
ELSEWHERE = (
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\tscript:alert(1)",
    "java\nscript:alert(1)",
    "\x01javascript:alert(1)",
    "java&#115;cript:alert(1)",
    "&#x6A;avascript:alert(1)",
    "javascript&colon;alert(1)",
    "java&Tab;script:alert(1)",
    "&NewLine;javascript:alert(1)",
    "%6aavascript:alert(1)",
    "data:text/html;base64,PHNjcmlwdD4=",
    "data:image/png;base64,AAAA",
    "vbscript:x",
    "file:///etc/passwd",
    "ftp://elsewhere.example/x",
    "intent://x#Intent;end",
    "ms-word:ofe|u|https://elsewhere.example/x.docm",
    "blob:https://elsewhere.example/1",
    "//elsewhere.example/x",
    "\\\\elsewhere.example\\x",
    "/sign-out",
    "#form",
    "https:/sign-out",
    "https:\\elsewhere.example",
    "mailto:",
)
THERE = (
    "https://example.org/a?b=c&d=e#f",
    "HTTP://example.org",
    "https://example.org/a%20b",
    "https://[::1]/x",
    "mailto:ann@example.org?subject=x",
)
WAYS = ("[a]({})", "[a](<{}>)", "<{}>", "[a]\n\n[a]: {}", "[a][b]\n\n[b]: <{}> 'c'", "![a]({})")
SIGNS = (
    "[",
    "](",
    ")",
    "<",
    ">",
    "![",
    "]: ",
    "\n",
    "\n\n",
    "*",
    "`",
    "\\",
    '"',
    " ",
    "&",
    "#x6A;",
)
TAGS = (
    "<script>",
    "<img src=x onerror=alert(1)>",
    "<a href=javascript:1>",
    "<svg/onload=alert(1)>",
)


class Read(HTMLParser):
    """What is wrong with a page, as a browser would read it; and where its links lead."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.wrong: list[str] = []
        self.links: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in PLAIN:
            self.wrong.append(f"<{tag}>")
        self.wrong += [f"{tag} {name}" for name, _ in attrs if (tag, name) not in ATTRIBUTES]
        self.links += [value or "" for name, value in attrs if name == "href"]


def scheme(link: str) -> str:
    """What a browser takes for an address's scheme: it skips control characters and blanks."""
    return re.sub(r"[\x00-\x20]", "", link).partition(":")[0].lower()


def check(html: str) -> None:
    read = Read(html)
    assert read.wrong == []
    assert [each for each in read.links if scheme(each) not in ("http", "https", "mailto")] == []


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("address", ELSEWHERE)
def test_an_address_that_leads_elsewhere_is_no_link(way: str, address: str) -> None:
    html = markdown(way.format(address))
    check(html)
    assert Read(html).links == []


@pytest.mark.parametrize("address", THERE)
def test_an_address_of_the_web_or_of_a_mailbox_is_a_link(address: str) -> None:
    for way in WAYS[:3]:
        assert Read(markdown(way.format(address))).links == [address]


def test_a_picture_is_not_fetched() -> None:
    assert "<img" not in markdown("![p](https://elsewhere.example/p.png)")


@settings(max_examples=400, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.sampled_from((*ELSEWHERE, *THERE, *SIGNS, *TAGS)),
            st.sampled_from(WAYS).flatmap(
                lambda way: st.sampled_from(ELSEWHERE).map(lambda each: way.format(each))
            ),
            st.text(max_size=6),
        ),
        max_size=20,
    ).map("".join)
)
@example("[a](&#1;&#106;avascript:1)")
def test_whatever_is_written_nothing_runs_and_links_lead_to_the_web(text: str) -> None:
    check(markdown(text))
