"""What agents work with before anything is worth remembering: scratchpads, and the boards they share.

A scratchpad is one session's working memory; what proves worth keeping is promoted. A blackboard is
for several agents: versioned cells that they coordinate through. Above stands the engine, which
hands each tenant its own and lets promotion go through `remember`; below stands the ledger, which
keeps both, and the model values. Nothing here embeds, and nothing here remembers.
"""
