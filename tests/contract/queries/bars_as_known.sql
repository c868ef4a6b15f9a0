-- An auditor: the daily bars that were known at an instant.
SELECT instrument_id, session_date, close, source, ingest_time
FROM v1.bars_as_of('2100-01-01 00:00+00')
WHERE interval = '1d'
ORDER BY instrument_id, source, session_date
