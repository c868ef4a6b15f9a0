"""Live: candles as they come, are revised and go, by server-sent events, from a cursor on.

What belongs here: reading the journal in an order that loses nothing, sending what it names to who follows. What does
not: writing the journal (findata_resources/stores/journal.py), answers that end (findata_serving/rest).
"""
