-- A treasurer: SOFR with its daily change in basis points.
SELECT observation_date, rate_percent, round(((rate_percent - lag(rate_percent) OVER (ORDER BY observation_date)) * 100)::numeric, 4) AS change_basis_points,
    percentile_25_percent, percentile_75_percent, volume_billions_usd, revision_indicator
FROM v1.rates
WHERE rate = 'SOFR'
ORDER BY observation_date
