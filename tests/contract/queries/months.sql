-- A report: months, with how much of each is there.
SELECT instrument_id, period_start_date, period_end_date, open, high, low, close, volume, present_sessions, expected_sessions
FROM v1.candles
WHERE interval = '1mo' AND source_interval = '1d'
ORDER BY instrument_id, period_start_date
