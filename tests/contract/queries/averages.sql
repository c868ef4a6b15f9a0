-- A treasurer: averages recomputed and published, and how far they are apart.
SELECT measure, observation_date, window_start_date, recomputed, published, difference, fixing_count, reason
FROM v1.averages
WHERE rate = 'SOFR'
ORDER BY measure, observation_date
