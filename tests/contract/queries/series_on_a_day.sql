-- An economist: a series as its publisher had it by the end of a day, with its title.
SELECT o.series_id, s.name, o.observation_date, o.value, o.vintage_date
FROM v1.observations_on('2019-01-01') AS o JOIN v1.series AS s USING (series_id, source)
ORDER BY o.series_id, o.observation_date
