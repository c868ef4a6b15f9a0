-- Grafana, one line an instrument: daily closes.
SELECT event_time AS time, instrument_id AS metric, close AS value
FROM v1.candles
WHERE $__timeFilter(event_time) AND interval = '1d' AND source_interval = '1m'
ORDER BY time, metric
