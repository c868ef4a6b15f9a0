-- Grafana, a panel of hourly candles: the macro is what Grafana makes of the dashboard's time range.
SELECT event_time AS time, open, high, low, close, volume
FROM v1.candles
WHERE $__timeFilter(event_time) AND instrument_id = 'MSFT.XNAS' AND interval = '1h' AND source_interval = '1m'
ORDER BY time
