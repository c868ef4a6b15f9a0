-- A trader: the levels that were valid at an instant.
SELECT instrument_id, variant, pp, r1, r2, r3, s1, s2, s3, valid_from_time, valid_until_time
FROM v1.pivots
WHERE source_interval = '1d' AND valid_from_time <= '2022-06-14 15:00+00' AND valid_until_time > '2022-06-14 15:00+00'
ORDER BY instrument_id, variant
