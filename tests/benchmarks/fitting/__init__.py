"""Fits the numbers of the ranking and of relevance that the package ships: `server/retrieval/weights.json`.

    python -m tests.benchmarks.fitting DATA

DATA is a folder of NAME.corpus.jsonl[.gz] and NAME.queries.jsonl[.gz], as `loci eval` reads them. The
memories are kept by the real server, the candidates and their signals come from the real retrieval
(`collecting`); weights are sought by coordinate ascent (`ascent`), relevance by logistic regression
(`logistic`), and what is claimed of either is measured on tenants that were left out (`judging`).
Nothing is random but the bootstrap, whose seed is fixed: the same data give the same file.
"""
