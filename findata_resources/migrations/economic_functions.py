"""The functions by which SQL asks what was published when: economic.observations_as_of and its kin.

What belongs here: their SQL. They hold nothing, and each migrate makes them anew (functions.py). as_of.observations is
another question: what findata had received by an instant.
"""

# Where the publisher's days end, in the zone that it counts them in.
_KNOWN = "coalesce(o.release_time, ((o.vintage_date + 1)::timestamp AT TIME ZONE 'America/Chicago')) <= $1"
_COLUMNS = (
    "(series_id text, source text, observation_date date, value double precision, state text, "
    "vintage_date date, vintage_kind text, release_time timestamptz)"
)
# The last vintage that a condition lets through; of one day what was released on it, not what was seen before.
_AS_OF = """
CREATE FUNCTION economic.observations_as_of(ARGUMENT) RETURNS TABLE COLUMNS LANGUAGE sql STABLE PARALLEL SAFE AS $$
SELECT k.series_id, k.source, k.observation_date, k.value, k.state, k.vintage_date, k.vintage_kind, k.release_time
FROM (
    SELECT DISTINCT ON (o.series_id, o.source, o.observation_date) o.* FROM economic.observations AS o
    WHERE CONDITION
    ORDER BY o.series_id, o.source, o.observation_date, o.vintage_date DESC, o.vintage_kind
) AS k WHERE k.state <> 'withdrawn' $$
"""
_AS_OF_TEXT = r"""
CREATE FUNCTION economic.observations_as_of(moment text) RETURNS TABLE COLUMNS LANGUAGE plpgsql STABLE AS $$ BEGIN
IF moment ~ '^\d{4}-\d{2}-\d{2}$' THEN
    RETURN QUERY SELECT * FROM economic.observations_as_of(moment::date);
ELSE
    RETURN QUERY SELECT * FROM economic.observations_as_of(moment::timestamptz);
END IF; END $$
"""
_MEMBERS = """
CREATE FUNCTION economic.index_members_on(index_name text, day date)
RETURNS TABLE (symbol text, source text, from_date date, to_date date) LANGUAGE sql STABLE PARALLEL SAFE AS $$
SELECT m.symbol, m.source, m.from_date, m.to_date FROM economic.index_members AS m
WHERE m.index_id = $1 AND m.from_date <= $2 AND (m.to_date IS NULL OR m.to_date >= $2) ORDER BY 2, 1 $$
"""


def _as_of(argument: str, condition: str) -> str:
    made = _AS_OF.replace("ARGUMENT", argument).replace("CONDITION", condition)
    return made.replace("COLUMNS", _COLUMNS)


# name and argument types -> the statement that makes it
FUNCTIONS: dict[str, str] = {
    # A day as its publisher counts it, inclusive: what ALFRED answers for that day.
    "economic.observations_as_of(date)": _as_of("day date", "o.vintage_date <= $1"),
    # An instant: nothing that was released after it; without a time of release, nothing of a day that is not over.
    "economic.observations_as_of(timestamptz)": _as_of("instant timestamptz", _KNOWN),
    # A literal without a type: a day if it is one, else an instant. PostgreSQL would take every one for an instant.
    "economic.observations_as_of(text)": _AS_OF_TEXT.replace("COLUMNS", _COLUMNS),
    "economic.index_members_on(text, date)": _MEMBERS,
}


def drop_statements() -> list[str]:
    """Return the statements that drop the functions, for a downgrade: the schema can't go while they are in it."""
    return [f"DROP FUNCTION IF EXISTS {name}" for name in FUNCTIONS]
