-- Excel by ODBC, a sheet that is refreshed in the morning: the last settled close of everything.
SELECT i.symbol, i.mic, i.currency, i.price_units, c.session_date, c.close, c.close / i.price_units AS close_in_currency, c.volume
FROM v1.latest_candles AS c JOIN v1.instruments AS i USING (instrument_id)
WHERE c.interval = '1d' AND c.source_interval = '1m'
ORDER BY i.symbol
