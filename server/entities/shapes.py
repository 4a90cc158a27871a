"""Names that are known by their shape: addresses, files, code, versions, dates, amounts, ids."""

import re
from collections.abc import Iterator
from typing import Final

from ..model import EntityType
from .links import Links
from .protocol import Found

__all__ = ["shaped", "without_runs"]

_MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|"
    r"Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)"
)
_DAY = r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"
_EXTENSION = (
    r"(?:py|pyi|ipynb|js|mjs|jsx|ts|tsx|vue|java|kt|scala|rb|rs|go|c|h|cc|cpp|cxx|hpp|cs|vb|fs|m|mm|swift|"
    r"php|pl|sh|bash|zsh|bat|cmd|ps1|sql|html?|xhtml|css|scss|less|xml|xsl|xsd|xaml|json|jsonl|ya?ml|toml|ini|"
    r"cfg|conf|env|lock|md|rst|txt|csv|tsv|log|pdf|docx?|xlsx?|pptx?|png|jpe?g|gif|svg|mp[34]|wav|zip|tar|gz|tgz|"
    r"xz|whl|jar|war|ear|dll|so|exe|apk|db|sqlite|proto|tf|gradle|sbt|jspx?|aspx?|erb|tex|plist|properties|parquet|s)"
)
_WORD = r"[A-Za-z_$][\w$]*"
_UNIT = (
    r"(?:%|percent|EUR|USD|GBP|CHF|JPY|euros?|dollars?|pounds?|[kKMGT]i?B|bytes?|ms|seconds?|minutes?|hours?|days?|"
    r"weeks?|months?|years?|km|cm|mm|miles?|kg|grams?|tokens?|pixels?|px|people|users|°C|GHz|MHz|kWh?|MW)"
)

_RULES: Final = tuple(
    (EntityType(sort), re.compile(pattern, flags))
    for sort, pattern, flags in (
        ("url", r"(?<![\w@.])(?:[a-z0-9-]+\.)+(?:com|org|net|io|dev|edu|gov|ai|co|de|uk)(?:/\S*)?(?![\w.]*\w)", 0),
        ("symbol", r"`([^`\n]{1,80})`", 0),
        ("id", r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE),
        ("file", r"(?<![\w:/\\])[A-Za-z]:\\(?:[\w.\- ]+\\)*[\w.\-]+", 0),
        ("file", r"(?<![\w./<:])(?:~|\.{1,2})?/[\w.\-@+]+(?:/[\w.\-@+*{}:]+)*/?(?<![.:])", 0),
        ("package", r"(?<![\w/@])@[a-z][\w\-]*/[\w.\-]+(?<![.\-])", 0),
        ("file", rf"(?<![\w/.@\-])(?:[\w.\-]+/)+[\w.\-]*\.{_EXTENSION}\b(?![\w/(])", 0),
        ("file", rf"(?<![\w/.@$\-])[\w\-]*(?:[\w\-]\.)+{_EXTENSION}\b(?![\w/(]|\.\w)", re.IGNORECASE),
        ("file", r"\b(?:Makefile|Dockerfile|README|CHANGELOG|Gemfile|Procfile|\.gitignore|\.env)\b", 0),
        ("package", r"(?<=pip install )[A-Za-z][\w.\-]*|(?<=npm install )[a-z][\w.\-]*", 0),
        ("package", r"\b[A-Za-z][\w\-]*(?=(?:==|>=|<=|~=)\d)", 0),
        ("id", r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])", 0),
        ("version", r"(?<![\w.])v?\d+(?:\.\d+){2,}(?:[\-+.]?(?:rc|alpha|beta|dev|post|r)[\w.\-]*)?(?![\w%])", 0),
        ("version", r"\bv\d+(?:\.\d+)*\b", 0),
        ("date", r"(?<![\w\-])\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:Z|[+\-]\d\d:?\d\d)?)?(?![\w\-])", 0),
        ("date", rf"\b(?:{_DAY},? )?\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH}\.?(?:,? \d{{4}})?\b", 0),
        ("date", rf"\b(?:{_DAY},? )?{_MONTH}\.? \d{{1,2}}(?:st|nd|rd|th)?(?:,? \d{{4}})?\b", 0),
        ("date", rf"\b{_MONTH},? \d{{4}}\b|\bQ[1-4] \d{{4}}\b|(?<![\w/])\d{{1,2}}[./]\d{{1,2}}[./]\d{{2,4}}(?![\w/])", 0),
        ("amount", r"(?:[$€£¥]|\b(?:EUR|USD|GBP|CHF) )\d[\d,.]*\d?(?: ?(?:k|K|M|bn|million|billion|thousand)\b)?(?<![.,])", 0),
        ("amount", rf"(?<![\w.])\d[\d,.]*(?: ?(?:k|M|million|billion|thousand))? ?{_UNIT}(?!\w)", 0),
        ("version", r"(?<=[a-z+#] )\d+\.\d+(?:\.x)?(?![\w.%]| ?(?:%|\w))|(?<=version )\d+(?:\.\d+)*", re.IGNORECASE),
        ("id", r"\b(?!(?:UTF|ISO|SHA|MD|RFC|COVID|GPT|HTTP|TLS|AES)-)[A-Z][A-Z0-9]{1,9}-\d+\b", 0),
        ("id", r"(?<![\w&/])#\d+\b|(?<=commit )[0-9a-f]{7,40}\b|\b(?=[a-f\d]*\d)(?=[a-f\d]*[a-f])[0-9a-f]{40}\b", 0),
        ("symbol", rf"(?<![\w$.@/]){_WORD}(?:(?:\.|::|->){_WORD})*\(\)", 0),
        ("symbol", rf"(?<![\w$.@/]){_WORD}(?:::{_WORD})+(?:<[\w:]+>)?", 0),
        ("symbol", r"(?<![\w.@/])\$[A-Za-z_]\w*(?:->\w+)*", 0),
        ("symbol", rf"(?<![\w$.@/\-])(?!(?:e\.g|i\.e|a\.m|p\.m|U\.S|etc|vs)\b){_WORD}(?:\.{_WORD}){{1,6}}(?![\w@/]|\.\w)", 0),
        ("symbol", r"(?<![\w$.@/\-])_*[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)+_*(?![\w/])", 0),
        ("symbol", r"(?<![\w$.@/\-])[a-z]+(?:[A-Z][a-z0-9]+)+[A-Z]?(?![\w/])", 0),
        ("symbol", r"(?<![\w<])</?[A-Za-z][\w\-]*/?>", 0),
        ("symbol", r"(?<![\w\-])--[a-z][\w\-]+", 0),
    )
)  # fmt: skip
"""In the order of their right: what an earlier rule took, no later one gets."""
_MARK = re.compile(
    r"[\d`/\\_$€£¥<@#=~>]|\.(?=\S)|::|\(\)|--|[a-z][A-Z]|Makefile|README|Dockerfile|CHANGELOG|Gemfile|Procfile"
    r"|(?:install|commit) |:\S"
)
"""What each of them needs, and most statements have not."""

_RUN = re.compile(r"[!-~]{300,}")
_LINKS = Links()


def without_runs(text: str) -> str:
    """The text with blanks where many signs stand without a space between them: no name, but for an
    address. A rule may begin at each of them and look at all."""
    return _RUN.sub(lambda run: " " * len(run[0]), text)


def shaped(text: str, plain: str) -> Iterator[Found]:
    """What has a shape, by right; they may overlap. `plain` is the text without runs."""
    if not _MARK.search(text):
        return
    yield from _LINKS.found(text)
    for sort, pattern in _RULES:
        for match in pattern.finditer(plain):
            start, stop = match.span(1 if pattern.groups else 0)
            yield Found(start, stop, sort, text[start:stop])
