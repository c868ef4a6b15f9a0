-- An operator: sessions that are not whole.
SELECT instrument_id, session_date, source, interval, status, present_bars, expected_bars, missing_ranges
FROM v1.coverage
WHERE status <> 'complete'
ORDER BY instrument_id, session_date, source, interval
