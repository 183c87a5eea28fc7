"""What the tables of the benchmark mean, in words: they are copied into docs/benchmarks.md as they are."""

HEAD = """\
# Benchmarks

One run of `make bench`: everything below was measured on the same machine, in the same run, one after the
other, on a stack that `manage.py up` had started with its usual, durable settings (two worker processes, two
web processes). Absolute figures say more about a machine than about the product; compare the ratios.
`make bench` writes this page; `python -m benchmarks --quick` does the same with small sizes in under a minute
and writes nothing.

The people in all files are made up (`cdp/demo/people.py`): twelve columns, 4 % of the rows with a damaged e-mail
or phone, 3 % duplicates, 1 % with too few or too many cells, phones of ten countries, a third of them without
the country code."""

IMPORTS = """\
The first line is the least possible work: the contacts that the import below has created, already clean, one
row each and in the tables' own format, loaded by one COPY over one connection into an empty table with the
columns and indexes of `contact` (the mean of two). The others are whole imports by `manage.py
import_contacts` through the workers: the file is received, read, checked, matched with the contacts and with
itself, compared field by field, planned, written together with where each value came from, added to a segment,
counted and verified. A `VACUUM (ANALYZE)` runs before each import, because autovacuum would otherwise clean up
after one import in the middle of the next. Times are those of the command, from start to result. Memory is the
resident size of the larger worker process, sampled twenty times a second."""

VALIDATION = """\
One process, no database. Our cleaner reads the line, converts e-mail, phone, external ID and names to their
normal forms, types the other seven columns, codes the problems and writes the line for COPY. The comparison is
the csv module with the two libraries whose results our cleaner has to match."""

TURNS = """\
`manage.py undo_import` undoes the import with half matching: contacts it created are removed, contacts it
changed get their old values, members leave the segment. Then the import is redone. Finally, an import of a
hundred rows of one workspace is started while the workers are busy with a large one of another."""

ACTS = """\
The workers delete and export contacts of the large workspace and delete its duplicates, as the pages request it.
Times are from the click to the end; memory is that of the larger worker process."""

PROBABLE = """\
Pairs inside the suggested groups, compared with who the people really are; no method has seen that, and all use
their default settings. FEBRL are public data sets without families. Of the made-up contacts, 30 % live in families,
half lack the birthday and a third the address and phone, and 15 % are copies with typing errors, other addresses and
other numbers; in sets without duplicates, every pair is wrong. Organisations have no person's name, half of their
e-mails are missing, and a quarter are copies; some share a building, its phone or a part of their name. Colleagues
share company, address, phone and domain and are different people. recordlinkage gets the same pairs to compare;
Splink finds its own, as its guide shows (`benchmarks/splinked.py`). Finally, the workers search a workspace: keys,
pairs in SQL, weights, groups."""

PEERS = """\
Each in a fresh process on a plain table of its own with the usual indexes, with fewer rows because rows per
second hardly depend on their number. **django-import-export** with `use_bulk` and `skip_unchanged`; it validates
neither e-mails nor phones. **The usual task**: csv, email-validator, phonenumbers and
`bulk_create(update_conflicts=True)` in batches of 1,000. The files contain no rows in error and no duplicates,
because the others could not report on them; this product does everything it always does. The ratio compares
rows per second with ours for the same kind of file; our memory is that of the larger of two workers."""

PIXEL = """\
Page views of 2,000 devices over 32 connections that are always busy, from two processes that share the
machine with the server. A hit counts when it is answered with 204, that is, when it is in the inbox. The
response times include waiting behind 15 others on the same process, unlike those of a visitor on an idle server."""

PAGES = """\
Server time of a whole response, from session and membership to the rendered page, without the network. One contact
has an activity of 100,000 entries, a tenth of them orders. The total of a smart search is cached for 30 seconds; the
builder counts each time."""

SOURCES = """\
{people} contacts, as many visitors (six in ten are contacts), twenty events for each visitor. Of filters the slowest one is
named, of every two filters the slowest pair; pages that everybody has seen are among them."""

RULES = """\
{contacts} contacts and {events} events: page views, orders of files and of sites, messages. Each condition alone, and the
eight slowest pairs of all: a count in the database, with its compilation, by the role that row-level security binds. A step
of the builder is a whole response to a form of eight conditions, of which one has a value that was not counted before."""

FRESHNESS = """\
{contacts} contacts and {events} events. The first build of a segment; {segments} more dynamic segments, built by two
workers; then a change of a contact, from its commit until the workers have looked at all segments; and a batch of
changes at once.
Imports and hits are measured in workspaces with and without {segments} dynamic segments, in turns: the ratio is what
they lose while every change is queued. The workers look at the segments meanwhile, too."""

LOOKALIKES = """\
{people} contacts, of which {members} are members of the list: three in ten have a visitor with twelve events, one in ten
has orders, one in five got a message. One worker counts, learns, tests, and scores all others. The cause is known, so the
lift is held against that of someone who knows each contact's chance."""

API = """\
Whole requests over HTTP, from a program on the same machine, with {batch} items each: authorised, read, cleaned, matched,
compared, written and answered item by item, in one transaction each. Contacts have nine fields; orders have properties and
an ID, and their contacts are known. The requests of one workspace write one after another; with two programs, one is read
while the other is written."""

FILES = """\
A file of {rows} rows into an empty workspace, from its first byte to the end of the import: by `manage.py
import_contacts`, and over HTTP with a token, {turns} times each in turns. The best of each is compared."""

UPLOAD = """\
A file sent to the upload page as a browser sends it, in one piece, while the memory of the larger web process is
measured: before the upload, and its maximum."""
AUDIENCES = """\
An audience for an ad network of three sources that overlap, with all five conditions, in a workspace that has other contacts
too. Its size comes with the whole funnel: what each condition excludes and why, and what is in several lists; then the same
beside the saved version, with who would enter and leave. The first build writes all members."""
SYNCS = """\
A list of contacts is kept at a network by its own client: a first run, and one after one person in a hundred has another
address, has refused ads or has left. The network is a program on the same machine that reads and keeps all it is told, so it
takes a part of the processor. People per second are those told; memory is that of the worker, loaded and at most."""

DASHBOARDS = """\
{people} visitors with twenty events each, half as many contacts again: {visits} rows of visits and {steps} of steps.
Server time of a whole response, the slowest first; each part of a page is a request of its own. Statements are counted
without the frames of transactions."""

OPERATIONS = """\
{workspaces} workspaces of one person with {running} imports under way and {ended} that have ended, made up: each under way
has 24 parts, one in ten is stuck. The database also holds the workspace of the dashboards. Server time of a whole response,
the slowest first, for a member and for an operator; statements without the frames of transactions."""

FLEET = """\
{workspaces} workspaces of mixed sizes: one in forty is large, one in ten middling, the others have 200 contacts.
For {seconds} s all of this happens at once: two importers bring {rows} rows each into large workspaces, without a pause;
three bring 100 rows each into small ones, and pause for a second; four people open pages of any workspace over HTTP and
think for 0.3 s; 100 hits a second come to 20 sites; dynamic segments of the large and middling workspaces follow the
imports. An import is waited for from the command to its end. A queue grows without end if it is longer in the last
third than in the second by half and by more than a handful. The load comes from the same machine."""

RELEASES = """\
Ratios of this run beside those that were kept with the last release ({release}, `benchmarks/last_release.json`): both sides
of a ratio are measured in the same run, so the machine matters less. Up to 5 % is noise. Nothing fails by this table."""
