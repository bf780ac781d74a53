"""The history: what was read of growing logs, by day, so that nothing is read or counted twice.

The log is cut into *parts*: what one run read of one day of one stretch of log (a *strand*: one
file's life, whatever its names). A part holds the Summary of its lines alone, with what travels
(open messages and the like); parts are only put together when they are looked at, in the order of
their lines, so neither where runs were cut nor the order in which files came in can change a
figure. `store.py` keeps them, `cursor.py` and `unread.py` tell what is new, `counting.py` counts
it, `ingest.py` adds it, `tidy.py` makes many parts one and lets old ones go, `period.py` reads.
"""
