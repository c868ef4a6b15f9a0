-- A trader: breakouts and the candle behind each, joined only once it was over.
SELECT s.instrument_id, s.event_time, s.level, s.direction, s.level_price, c.close, c.volume, s.evidence
FROM v1.signals AS s
JOIN v1.candles AS c ON c.instrument_id = s.instrument_id AND c.event_time = s.event_time
WHERE c.interval = '5m' AND c.source_interval = '1m' AND s.variant = 'traditional' AND s.kind = 'breakout'
ORDER BY s.instrument_id, s.event_time, s.level
