"""What memories are about: names found in texts, the entities that they stand for, what is said of them.

Above stands the engine, which asks it while a memory is prepared and keeps the result in the ledger;
below stand the model values and the table of tokens. Nothing here reads or writes: what is known of a
tenant comes in as arguments.

The rules of `RuleExtractor`, in their order:

1. `shapes`: URLs and e-mail addresses (linkify-it), paths and file names, packages, versions, dates, amounts,
   ids, code symbols. What an earlier rule took, no later one gets.
2. `names`: runs of words that are written with a capital where a common word would not be, or that lean to a name
   without one. How a word leans is read from the table of tokens (`leaning`).
3. Technologies (`lexicon`, Pygments' languages), and what is named by its work (`the billing service`).
4. `sorts`: what bears a name, by its own words (given names, legal forms, places), then by those around it.

`resolution` says which entity a name stands for, `stated` which other names a text gives it, `references` what `she` and `the project` do; `states` what a text says of
an entity, `keywords` what a memory is about in a few words. Another `Extractor` can take the rules' place.
"""

from .keywords import context, keywords
from .naming import VALUES, Name, fold, name_of
from .protocol import Extractor, Found
from .references import Antecedent, Reference, means, references
from .resolution import Known, Resolution, resolve
from .rules import RuleExtractor
from .stated import other_names
from .states import Statement, statements

__all__ = [
    "VALUES",
    "Antecedent",
    "Extractor",
    "Found",
    "Known",
    "Name",
    "Reference",
    "Resolution",
    "RuleExtractor",
    "Statement",
    "context",
    "fold",
    "keywords",
    "means",
    "name_of",
    "other_names",
    "references",
    "resolve",
    "statements",
]
