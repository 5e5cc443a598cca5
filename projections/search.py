"""What a name is compared as when somebody searches: without case, accents and forms of writing.

Names and what is searched for are folded here, by the same function, and not by the database, whose
locale and version would decide otherwise.
"""

import unicodedata

LONGEST_GRAM = 3  # characters; the function `grams` of the database has those of up to so many


def fold(text: str) -> str:
    """The text for a comparison that knows no case and no accents: compatibility caseless matching
    of the Unicode Standard (section 3.13, D146), then without marks, invisible characters and
    repeated spaces."""
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFD", text).casefold())
    folded = unicodedata.normalize("NFKD", decomposed.casefold())
    bare = (c for c in folded if not unicodedata.combining(c) and unicodedata.category(c) != "Cf")
    return " ".join("".join(bare).split())


def grams_of(folded: str) -> list[str]:
    """Parts of the text, as long as grams can be, which together have all of its characters.

    Every text that has this one in it has these in it. More of them would find hardly less, and let
    the planner take them for rarer than they are: it thinks that they have nothing to do with each
    other.
    """
    size = min(LONGEST_GRAM, len(folded))
    starts = [*range(0, len(folded) - size, max(size, 1)), len(folded) - size]
    return sorted({folded[start : start + size] for start in starts})
