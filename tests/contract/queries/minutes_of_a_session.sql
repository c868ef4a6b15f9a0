-- A quant, pandas: the regular minutes of one session.
SELECT event_time, open, high, low, close, volume, vwap
FROM v1.bars
WHERE instrument_id = 'MSFT.XNAS' AND interval = '1m' AND session_date = DATE '2022-06-01' AND session_phase = 'regular'
ORDER BY event_time
