-- An economist: every vintage of one observation.
SELECT observation_date, vintage_date, vintage_kind, state, value, release_time
FROM v1.observations
WHERE series_id = 'GDP'
ORDER BY observation_date, vintage_date
