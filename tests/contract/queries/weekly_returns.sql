-- A quant: returns of whole weeks.
SELECT instrument_id, period_start_date, close / lag(close) OVER weeks - 1 AS weekly_return
FROM v1.candles
WHERE interval = '1w' AND source_interval = '1d' AND is_complete
WINDOW weeks AS (PARTITION BY instrument_id ORDER BY period_start_date)
ORDER BY instrument_id, period_start_date
