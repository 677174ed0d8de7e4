"""One reading of a text, however it was disguised.

Rules and model must see what the recipient sees. This module folds compatibility forms, look-alike letters, fancy
punctuation and invisible characters into plain text, and drops markup that a mail client would hide. It refuses to
guess: letters of another script are folded only inside words that mix scripts or that consist of look-alikes alone,
so a name in Cyrillic stays as it is. Every character kept knows where it stood in the text as it was sent.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

_ZERO_WIDTH = frozenset(
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180e\u200b\u200c\u200d\u2060\u2061\u2062\u2063\u2064"
    "\u2800\u3164\ufeff\uffa0"
)
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_JOINERS = frozenset("\u200c\u200d\u200e\u200f")
_PLAIN = {
    **dict.fromkeys("‘’ʼ‚‛′`´ʹʻʽ", "'"),
    **dict.fromkeys("“”„‟″«»", '"'),
    **dict.fromkeys("‐‑‒–—―−﹘⁃", "-"),
    "…": "...",
    "•": "-",
    "\x85": "\n",
    "\x0b": "\n",
    "\x0c": "\n",
    "\u2028": "\n",
    "\u2029": "\n",
    "\u2044": "/",
    "\u2215": "/",
}
# Letters of other scripts drawn like an ASCII letter (a hand-picked subset of Unicode's confusables list).
_LOOKALIKES = {
    # Cyrillic
    **dict(zip("аеорсухіјѕԁһԛԝьмтнвкгпзи", "aeopcyxijsdhqwbmthbkrn3u", strict=True)),
    **dict(zip("АВЕЗКМНОРСТУХІЈЅԌԚԜҮ", "ABE3KMHOPCTYXIJSGQWY", strict=True)),
    # Greek
    **dict(zip("αβεγικνορτυχωϲϳ", "abeyikvoptuxwcj", strict=True)),
    **dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹ", "ABEZHIKMNOPTYXC", strict=True)),
    # Armenian, Cherokee, Latin extensions
    **dict(zip("օսհոցզք", "ouhngqp", strict=True)),
    **dict(zip("ᎪᏴᏟᎠᎬᏀᎻᎥᎫᏞᎷᏢᎡᏚᎢᏙᎳᏃ", "ABCDEGHIJLMPRSTVWZ", strict=True)),
    **dict(zip("ıɑɡɩʟɴʀꜱʏɪⅼ", "iagilnrsyil", strict=True)),
}
# Look-alikes that ordinary words of their own script are full of: alone they prove nothing.
_WEAK = frozenset("мтнвкгпзиьЗβγεικτυω")
_DOTLESS = "ı"
_HIDDEN_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?![.\d]*[1-9])|opacity\s*:\s*0(?![.\d]*[1-9])"
    r"|(?<![\w-])hidden(?![\w-])|aria-hidden|color\s*:\s*(?:#fff(?:fff)?\b|white\b|transparent\b)",
    re.IGNORECASE,
)
_OPEN_TAG = re.compile(r"<([A-Za-z][A-Za-z0-9]{0,15})((?:\s[^<>]{0,500})?)/?>")
_SILENT_TAGS = frozenset({"script", "style", "template", "noscript", "head", "title"})
_MARKDOWN_COMMENT = re.compile(r"^\[(?://|comment|_)\]:[ \t]*[#<][^\n]{0,2000}", re.IGNORECASE | re.MULTILINE)
_ODD = re.compile(r"[^\n\t\r\x20-\x5f\x61-\x7e]")
_WORD = re.compile(r"[^\W_]+")
_RTL = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")


@dataclass(frozen=True, slots=True)
class Normalised:
    """A text as the recipient reads it.

    ``offsets[i]`` is the index in the raw text of the character that ``text[i]`` came from; both have one length.
    ``changed`` says that something suspicious was removed or folded; typographic quotes, dashes and spaces are not.
    """

    text: str
    offsets: Sequence[int]
    changed: bool

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The raw half-open span of the normalised one; an empty span stays empty and inside the text."""
        if not self.offsets:
            return 0, 0
        start = min(max(start, 0), len(self.offsets) - 1)
        if end <= start:
            return self.offsets[start], self.offsets[start]
        return self.offsets[start], self.offsets[min(end, len(self.offsets)) - 1] + 1


def _hidden_spans(text: str) -> list[tuple[int, int]]:
    """Half-open spans of comments and of elements that a reader never sees, in order, not overlapping."""
    found: list[tuple[int, int]] = []
    lowered: str | None = None
    unclosed: set[str] = set()
    position, comment_ends = 0, True
    while (position := text.find("<", position)) != -1:
        end = -1
        if comment_ends and text.startswith("<!--", position):
            end = text.find("-->", position + 4)
            comment_ends = end != -1
            end = end + 3 if comment_ends else -1
        elif tag := _OPEN_TAG.match(text, position):
            name = tag.group(1).lower()
            if name in _SILENT_TAGS or _HIDDEN_STYLE.search(tag.group(2)):
                lowered = text.lower() if lowered is None else lowered
                close = -1
                if name not in unclosed and len(lowered) == len(text):
                    close = lowered.find(f"</{name}", tag.end())
                if close == -1:
                    unclosed.add(name)  # none follows this one, so none follows the next
                end = text.find(">", close) + 1 if close != -1 else tag.end()
                end = end or len(text)
        if end == -1:
            position += 1
        else:
            found.append((position, end))
            position = end
    comments = [m.span() for m in _MARKDOWN_COMMENT.finditer(text)] if "]:" in text else []
    if not comments:
        return found
    merged: list[tuple[int, int]] = []
    for start, end in sorted(found + comments):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _is_disguised_ascii(char: str) -> bool:
    code = ord(char)
    return (
        0xFF01 <= code <= 0xFF5E or 0x1D400 <= code <= 0x1D7FF or 0x24B6 <= code <= 0x24E9 or 0x1F130 <= code <= 0x1F189
    )


@lru_cache(maxsize=4096)
def _fold(char: str) -> tuple[str, bool]:
    """What one unusual character becomes, and whether that is suspicious."""
    plain = _PLAIN.get(char)
    if plain is not None:
        return plain, False
    code = ord(char)
    if char in _ZERO_WIDTH or char in _BIDI or 0xE0000 <= code <= 0xE0FFF:
        return "", True
    if 0xFE00 <= code <= 0xFE0F:
        return "", False
    category = unicodedata.category(char)
    if category in {"Cc", "Cs", "Co"}:
        return "", category == "Cc"
    if category == "Zs":
        return " ", False
    folded = unicodedata.normalize("NFKC", char)
    if _is_disguised_ascii(char):
        return folded, folded.isascii()
    folded = "".join(_PLAIN.get(c, " " if unicodedata.category(c) == "Zs" else c) for c in folded)
    return folded, False


def _is_harmless(raw: str, index: int, *, rtl: bool) -> bool:
    """A joiner inside an emoji or a right-to-left script, or a byte order mark at the start."""
    char = raw[index]
    if char == "\ufeff":
        return index == 0
    if char not in _JOINERS:
        return False
    return rtl or (char == "\u200d" and index > 0 and ord(raw[index - 1]) >= 0x2190)


def _fold_words(chars: list[str]) -> bool:
    """Fold look-alike letters in place, word by word; whether any word was a disguise."""
    text = "".join(chars)
    suspicious = False
    for word in _WORD.finditer(text):
        part = word.group()
        if part.isascii():
            continue
        strange = [c for c in part if c in _LOOKALIKES]
        if not strange:
            continue
        if all(c == _DOTLESS for c in strange):
            # Turkish names are written with it: read as an i, no disguise by itself.
            for index in range(word.start(), word.end()):
                chars[index] = _LOOKALIKES[_DOTLESS] if chars[index] == _DOTLESS else chars[index]
            continue
        mixed = any(c.isascii() for c in part)
        disguise = all(c.isascii() or c in _LOOKALIKES for c in part) and (
            mixed or (len(part) >= 3 and not any(c in _WEAK for c in part))
        )
        if disguise or (mixed and sum(c.isascii() for c in part) * 2 >= len(part)):
            for index in range(word.start(), word.end()):
                chars[index] = _LOOKALIKES.get(chars[index], chars[index])
            suspicious = True
    return suspicious


def normalise(text: str) -> Normalised:
    """The text as the recipient reads it, with offsets into the text as sent. Never fails; linear in its length."""
    if text.isascii() and "<" not in text and "]:" not in text and "`" not in text and not _ODD.search(text):
        return Normalised(text, range(len(text)), changed=False)
    hidden = _hidden_spans(text)
    suspicious = bool(hidden)
    rtl = not text.isascii() and _RTL.search(text) is not None
    chars: list[str] = []
    origins: list[int] = []

    def keep(start: int, end: int) -> None:
        chars.extend(text[start:end])
        origins.extend(range(start, end))

    visible: list[tuple[int, int]] = []
    cursor = 0
    for start, end in hidden:
        visible.append((cursor, start))
        cursor = end
    visible.append((cursor, len(text)))
    for start, end in visible:
        cursor = start
        for odd in _ODD.finditer(text, start, end):
            index = odd.start()
            keep(cursor, index)
            cursor = index + 1
            char = text[index]
            if unicodedata.combining(char) and chars:
                composed = unicodedata.normalize("NFC", chars[-1] + char)
                if len(composed) == 1:
                    chars[-1] = composed
                    continue
                if chars[-1].isascii():
                    suspicious = True
                    continue
            folded, odd_one = _fold(char)
            suspicious = suspicious or (odd_one and not _is_harmless(text, index, rtl=rtl))
            chars.extend(folded)
            origins.extend([index] * len(folded))
        keep(cursor, end)
    if any(c in _LOOKALIKES for c in set(chars)):
        suspicious = _fold_words(chars) or suspicious
    return Normalised("".join(chars), tuple(origins), changed=suspicious)
