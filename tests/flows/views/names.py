"""Names as Spotify has them, each of which breaks something that trusts it."""

from __future__ import annotations

NASTY = (
    "Pipes | and || more",
    "[Live] (at *Wembley*) _2019_ `code` ~~gone~~",
    "<b>bold</b> & <script>alert(1)</script>",
    "# 1. Heading\nand a second line\r\nand a third",
    "أغنية \N{RIGHT-TO-LEFT OVERRIDE}reversed",
    "שיר (Remix)",
    "🎉👩‍👩‍👧 party $x^2$ \\ backslash",
    "![image](https://example.org/x.png) https://example.org",
    "x" * 200,
    "   ",
    "1986. Not a list",
    '"quotes" and \'apostrophes\' "><img src=x>',
)
