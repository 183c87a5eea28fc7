"""What the tables of the benchmark mean, in words: they go into docs/benchmarks.md as they stand here."""

HEAD = """\
# Benchmarks

One run of `make bench`: everything below was measured on the same machine, in the same run, one after the
other, on a stack that `manage.py up` had started with its usual, durable settings (two worker processes, two
web processes). Absolute figures say more about a machine than about the product; the ratios are what to
compare. `make bench` writes this page anew; `python -m benchmarks --quick` does the same with small sizes in
under a minute and writes nothing.

The people in all files are made up (`cdp/demo/people.py`): twelve columns, 4 % of the rows with a spoiled e-mail
or phone, 3 % doubles, 1 % with too few or too many cells, phones of ten countries, a third of them without
their country."""

IMPORTS = """\
The first line is the least that can be done: the contacts that the import below has made, already clean, of
one person each and in the tables' own format, loaded by one COPY over one connection into an empty table with
the columns and indexes of `contact` (the mean of two). The others are whole imports by `manage.py
import_contacts` through the workers: the file is received, read, checked, matched with the contacts and with
itself, compared field by field, planned, written with where each value came from, added to a segment, counted
and proved. Before each run stands a `VACUUM (ANALYZE)`, as autovacuum would otherwise clean up after one run
in the middle of the next. Times are those of the command, from its start to its answer. Memory is the resident size of the
larger worker process, looked at twenty times a second."""

VALIDATION = """\
One process, no database. Ours reads the line, brings e-mail, phone, external ID and names into their normal
forms, types the other seven columns, codes what is wrong and writes the line for COPY. The plain way is the
csv module with the two libraries whose answers ours gives."""

TURNS = """\
`manage.py undo_import` takes the import with half matching back: what it created goes out, what it changed
gets its old values, members leave the segment. Then the undo itself is undone. Last, an import of a hundred rows
of one workspace is started while the workers are busy with a large one of another."""

ACTS = """\
Contacts of the large workspace are deleted, exported and freed of duplicates by the workers, as the pages ask for
it. Times are those from the click to the end; memory is that of the larger worker process."""

PROBABLE = """\
Pairs inside of the groups that are suggested, counted against who people really are; no way has seen that, and all
have their default settings. FEBRL are public data sets without families. The made-up contacts live in families to
30 %, lack half of the birthdays and a third of the addresses and phones, and 15 % are copies with slips of the finger,
other addresses and other numbers; where there is no double, every pair is wrong. Organisations have no person's name,
half of their e-mails are missing, a quarter are copies; some share a house, its phone or a part of their name. Colleagues
have company, address, phone and domain in common and are different people. recordlinkage gets the same pairs to judge,
Splink finds its own as its guide shows it (`benchmarks/splinked.py`). Last, a workspace is searched by the workers:
keys, pairs in SQL, weights, groups."""

PEERS = """\
Each in a fresh process on a plain table of its own with the usual indexes, with fewer rows because rows a
second hardly depend on them. **django-import-export** with `use_bulk` and `skip_unchanged`; it validates
neither e-mails nor phones. **The usual task**: csv, email-validator, phonenumbers and
`bulk_create(update_conflicts=True)` in batches of 1,000. The files hold no rows in error and no doubles,
since the others could not say what became of them; ours does everything that it always does. The ratio
compares rows a second with ours for the same kind of file; memory of ours is that of the larger of two
workers."""

PIXEL = """\
Page views of 2,000 devices over 32 connections that are always busy, from two processes that share the
machine with the server. A hit counts when it is answered with 204, that is, when it is in the inbox. The
waits are those behind 15 others on the same process, not those of a visitor on an idle server."""

PAGES = """\
Server time of a whole answer, from session and membership to the rendered page, without the network. One contact has an
activity of 100,000 entries, each tenth an order. The total of a smart search counts for 30 seconds; the builder counts
each time."""

UPLOAD = """\
A file sent to the upload page as a browser sends it, in one piece, while the memory of the web processes is
watched: the larger one before, and at most."""
