-- An auditor: what SOFR was known to be at an instant, beside what it is known to be now.
SELECT observation_date, known.rate_percent AS rate_known_then, now.rate_percent AS rate_known_now
FROM v1.rates_as_of('2100-01-01 00:00+00') AS known FULL JOIN v1.rates AS now USING (rate, source, observation_date)
WHERE rate = 'SOFR'
ORDER BY observation_date
