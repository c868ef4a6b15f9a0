"""`python -m benchmarks.serving_process KIND PORT SETTINGS`: a server of one side, as it would be deployed.

What belongs here: findata's server, and the endpoint that is usually written: FastAPI, SQLAlchemy's ORM, pydantic.
What does not: who calls them (readers).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import uvicorn
from fastapi import Depends, FastAPI
from pydantic import BaseModel, ConfigDict
from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker


def main() -> None:
    """Serve until SIGTERM."""
    kind, port, settings = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
    if kind == "findata":
        _serve_findata(port, settings)
    else:
        app = orm_app(settings["database_url"])
        uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", access_log=False, ws="none")


def _serve_findata(port: int, named: dict[str, Any]) -> None:
    from findata_resources.environment import load_settings
    from findata_serving.app import create_app
    from findata_serving.server import listen, serve

    settings = load_settings(_env_file=None, serving_port=port, **named)
    serve(create_app(settings), settings, listen(settings))


class Base(DeclarativeBase):
    """SQLAlchemy's declarative base."""


class Bar(Base):
    """A bar as an ORM has it."""

    __tablename__ = "bars"
    __table_args__ = {"schema": "market"}  # noqa: RUF012  (SQLAlchemy's way)

    instrument_id: Mapped[str] = mapped_column(primary_key=True)
    interval: Mapped[str] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(primary_key=True)
    adjustment: Mapped[str] = mapped_column(primary_key=True)
    event_time: Mapped[datetime] = mapped_column(primary_key=True)
    session_date: Mapped[date]
    session_phase: Mapped[str]
    open: Mapped[float]
    high: Mapped[float]
    low: Mapped[float]
    close: Mapped[float]
    volume: Mapped[int]
    vwap: Mapped[float | None]
    trade_count: Mapped[int | None]
    settles_time: Mapped[datetime]
    ingest_time: Mapped[datetime]
    payload_id: Mapped[int]


class BarOut(BaseModel):
    """A bar as pydantic has it."""

    model_config = ConfigDict(from_attributes=True)

    instrument_id: str
    interval: str
    source: str
    adjustment: str
    event_time: datetime
    session_date: date
    session_phase: str
    open: float
    high: float
    low: float
    close: float
    volume: int
    vwap: float | None
    trade_count: int | None
    settles_time: datetime
    ingest_time: datetime
    payload_id: int


def orm_app(database_url: str) -> FastAPI:
    """Return the endpoint as FastAPI's documents show it: a session a request, rows as objects, objects as models."""
    engine = create_engine(database_url.replace("postgresql://", "postgresql+psycopg://", 1), pool_size=16)
    sessions = sessionmaker(engine)
    app = FastAPI()

    def session() -> Iterator[Session]:
        with sessions() as opened:
            yield opened

    @app.get("/bars/{instrument_id}", response_model=list[BarOut])
    def bars(instrument_id: str, start: date, end: date, opened: Session = Depends(session)) -> Any:  # noqa: B008
        wanted = select(Bar).where(
            Bar.instrument_id == instrument_id,
            Bar.interval == "1m",
            Bar.event_time >= datetime.combine(start, time(), UTC) - timedelta(days=2),
            Bar.event_time < datetime.combine(end, time(), UTC) + timedelta(days=2),
            Bar.session_date >= start,
            Bar.session_date < end,
        )
        return opened.scalars(wanted.order_by(Bar.event_time)).all()

    return app


if __name__ == "__main__":
    main()
