-- A scheduler: when exchanges trade, in their own time.
SELECT mic, session_date, open_time AT TIME ZONE time_zone AS opens, close_time AT TIME ZONE time_zone AS closes, break_start_time, trading_minutes
FROM v1.sessions
WHERE session_date BETWEEN '2022-05-30' AND '2022-06-10'
ORDER BY mic, session_date
