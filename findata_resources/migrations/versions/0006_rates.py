"""rates: what EFFR had before 2016, the source of a published average, calendars against publications."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "calendar_disagreements",
        sa.Column(
            "rate",
            sa.Text(),
            autoincrement=False,
            nullable=False,
            comment='Name of the rate whose publications judge: "SOFR".',
        ),
        sa.Column(
            "calendar",
            sa.Text(),
            autoincrement=False,
            nullable=False,
            comment="The calendar: a library and the name that the calendar has there.",
        ),
        sa.Column(
            "observation_date",
            sa.Date(),
            autoincrement=False,
            nullable=False,
            comment="The weekday that they disagree about.",
        ),
        sa.Column(
            "calendar_version",
            sa.Text(),
            autoincrement=False,
            nullable=False,
            comment="Version of the library.",
        ),
        sa.Column(
            "is_business_day",
            sa.Boolean(),
            autoincrement=False,
            nullable=False,
            comment="Whether the calendar says that it is a business day.",
        ),
        sa.Column(
            "is_published",
            sa.Boolean(),
            autoincrement=False,
            nullable=False,
            comment="Whether a fixing of the day was published.",
        ),
        sa.Column(
            "reason",
            sa.Text(),
            autoincrement=False,
            nullable=True,
            comment="Why they disagree, where findata knows it.",
        ),
        sa.Column(
            "ingest_time",
            sa.DateTime(timezone=True),
            autoincrement=False,
            nullable=False,
            comment="Knowledge time of the fixing, or of the next one where there is none.",
        ),
        sa.PrimaryKeyConstraint("rate", "calendar", "observation_date", name="calendar_disagreements_pkey"),
        schema="rates",
        comment="A weekday of which a calendar says other than what was published; the observed publication is the judge.",
    )
    op.add_column(
        "rates",
        sa.Column(
            "intraday_low_percent",
            sa.Double(),
            autoincrement=False,
            nullable=True,
            comment="Lowest rate of the day, where published (EFFR before 2016-03-01). [percent]",
        ),
        schema="history",
    )
    op.add_column(
        "rates",
        sa.Column(
            "intraday_high_percent",
            sa.Double(),
            autoincrement=False,
            nullable=True,
            comment="Highest rate of the day, where published (EFFR before 2016-03-01). [percent]",
        ),
        schema="history",
    )
    op.add_column(
        "rates",
        sa.Column(
            "standard_deviation_percent",
            sa.Double(),
            autoincrement=False,
            nullable=True,
            comment="Standard deviation of the day's transactions, where published (EFFR before 2016-03-01). [percent]",
        ),
        schema="history",
    )
    op.add_column(
        "averages",
        sa.Column(
            "published_source",
            sa.Text(),
            autoincrement=False,
            nullable=True,
            comment="Source of the published figure; null where none is known.",
        ),
        schema="rates",
    )
    op.add_column(
        "rates",
        sa.Column(
            "intraday_low_percent",
            sa.Double(),
            autoincrement=False,
            nullable=True,
            comment="Lowest rate of the day, where published (EFFR before 2016-03-01). [percent]",
        ),
        schema="rates",
    )
    op.add_column(
        "rates",
        sa.Column(
            "intraday_high_percent",
            sa.Double(),
            autoincrement=False,
            nullable=True,
            comment="Highest rate of the day, where published (EFFR before 2016-03-01). [percent]",
        ),
        schema="rates",
    )
    op.add_column(
        "rates",
        sa.Column(
            "standard_deviation_percent",
            sa.Double(),
            autoincrement=False,
            nullable=True,
            comment="Standard deviation of the day's transactions, where published (EFFR before 2016-03-01). [percent]",
        ),
        schema="rates",
    )


def downgrade() -> None:
    """Undo."""
    op.drop_column("rates", "standard_deviation_percent", schema="rates")
    op.drop_column("rates", "intraday_high_percent", schema="rates")
    op.drop_column("rates", "intraday_low_percent", schema="rates")
    op.drop_column("averages", "published_source", schema="rates")
    op.drop_column("rates", "standard_deviation_percent", schema="history")
    op.drop_column("rates", "intraday_high_percent", schema="history")
    op.drop_column("rates", "intraday_low_percent", schema="history")
    op.drop_table("calendar_disagreements", schema="rates")
