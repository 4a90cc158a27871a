"""The ledger: the relational store. It is the truth, and all else can be rebuilt from it.

Above stand retrieval and the engine, which hold a `TenantLedger` and never the whole; below stand
the model values and the errors. Nothing here embeds, ranks or decides.

`open_ledger` migrates and opens a database; `Ledger.for_tenant` is the only door to its rows;
`Writer` gives one connection to all writers and groups their commits. `TenantLedger.index` has what
an index is made from: passages, their changes (the outbox), and the generation that was adopted.
"""

from .about import About, NewEntity, NewLink, NewMention, NewState, Pruned
from .about_ledger import AboutLedger, Candidate, Forms, LinkRow, MentionRow, Recent, Said
from .board_expiry import Touched
from .board_rows import Address, Before, NewCell, Receipt
from .board_writes import WriteDone
from .boards import BoardsLedger, Found
from .cycles import Done, Merge, Plan, Retire, Sum, Taken
from .feed import IndexLedger
from .ledger import Ledger, open_ledger
from .outbox import IndexRow, OutboxRow
from .registry import Registry
from .rows import NewMemory, NewPassage, VersionRow, as_kept
from .scratchpads import Decided, KeptPad, Overtaken, PadLedger
from .tenant import TenantLedger
from .terms import question_terms, quoted, terms_of
from .vectors import MAX_PASSAGES, Delta, firsts_of, seq_of, seqs_of
from .where import Sight
from .writes import Stored

__all__ = [
    "MAX_PASSAGES",
    "About",
    "AboutLedger",
    "Address",
    "Before",
    "BoardsLedger",
    "Candidate",
    "Decided",
    "Delta",
    "Done",
    "Forms",
    "Found",
    "IndexLedger",
    "IndexRow",
    "KeptPad",
    "Ledger",
    "LinkRow",
    "MentionRow",
    "Merge",
    "NewCell",
    "NewEntity",
    "NewLink",
    "NewMemory",
    "NewMention",
    "NewPassage",
    "NewState",
    "OutboxRow",
    "Overtaken",
    "PadLedger",
    "Plan",
    "Pruned",
    "Receipt",
    "Recent",
    "Registry",
    "Retire",
    "Said",
    "Sight",
    "Stored",
    "Sum",
    "Taken",
    "TenantLedger",
    "Touched",
    "VersionRow",
    "WriteDone",
    "as_kept",
    "firsts_of",
    "open_ledger",
    "question_terms",
    "quoted",
    "seq_of",
    "seqs_of",
    "terms_of",
]
