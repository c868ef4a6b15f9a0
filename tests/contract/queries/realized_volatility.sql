-- A quant: realised variance of each session from its five-minute closes.
SELECT instrument_id, session_date, count(*) AS candles, sum(step * step) AS realised_variance
FROM (
    SELECT instrument_id, session_date, ln(close / lag(close) OVER (PARTITION BY instrument_id, session_date ORDER BY event_time)) AS step
    FROM v1.candles
    WHERE interval = '5m' AND source_interval = '1m'
) AS steps
GROUP BY instrument_id, session_date
ORDER BY instrument_id, session_date
