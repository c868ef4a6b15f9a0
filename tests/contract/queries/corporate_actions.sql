-- A back office: splits and dividends by ex-date.
SELECT instrument_id, ex_date, 'split' AS kind, numerator || ':' || denominator AS said, source FROM v1.splits
UNION ALL
SELECT instrument_id, ex_date, kind, amount || ' ' || currency, source FROM v1.dividends
ORDER BY 1, 2, 3
