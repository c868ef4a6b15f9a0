"""Yahoo Finance, asked through yfinance; the answer's bytes are kept, yfinance's own frame is not.

yfinance knows Yahoo's manners (cookie, crumb, consent, browser handshake) and takes a session of ours: the
session sees every answer and stops yfinance when the chart's entity body is in hand. What that body says is
yahoo_chart.py's business.
"""

from __future__ import annotations

import threading
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import yfinance
from curl_cffi.requests import Response, Session
from curl_cffi.requests.exceptions import RequestException
from yfinance.cache import _CookieCacheManager, _TzCacheManager, _TzDBManager
from yfinance.config import YfConfig
from yfinance.data import SingletonMeta, YfData
from yfinance.exceptions import YFException, YFRateLimitError, YFTzMissingError

from findata_core.errors import BeyondWall, MalformedPayload, RefusedRequest, RetriableProviderError
from findata_resources.provider import Clock, Received, Request, kept_headers
from findata_resources.providers.http_answers import TRY_LATER, interrupted, refusal, unreachable
from findata_resources.providers.yahoo_chart import CAPABILITIES, PROVIDER, capability_of, chart_result

DEFAULT_BASE_URL = "https://query2.finance.yahoo.com"
CHART_PATH = "/v8/finance/chart/"
# yfinance answers 401 and 403 with a new crumb and a second try: leave it to it. Other refusals are final:
# asking a limiter twice in a row only lengthens the wait.
_LEFT_TO_YFINANCE = frozenset({401, 403})

# curl's codes for a proxy or host that has no address, and for a connection that was refused
# (https://curl.se/libcurl/c/libcurl-errors.html).
_NO_CONNECTION = frozenset({5, 6, 7})

# yfinance keeps one session, cookie and crumb for the whole process (YfData is a singleton, its configuration
# and cache folder are global): one request at a time goes through it.
_ONE_AT_A_TIME = threading.Lock()


class YahooProvider:
    """Asks Yahoo's chart service. `cache_folder` keeps yfinance's time zones and cookies; it is created.

    `base_url` other than Yahoo's own sends every call there: for stand-ins and mirrors.
    """

    name = PROVIDER
    capabilities = CAPABILITIES

    def __init__(
        self, cache_folder: Path, base_url: str = DEFAULT_BASE_URL, timeout_seconds: float = 30
    ) -> None:
        self._cache_folder = cache_folder
        self._session = _Tee("" if base_url == DEFAULT_BASE_URL else base_url, timeout_seconds)

    def fetch(self, request: Request, clock: Clock) -> Received:
        """Ask once. A window that Yahoo can't answer is refused here, without a request."""
        _refuse_impossible(request, clock.now())
        with _ONE_AT_A_TIME:
            answer = self._ask(request)
        if answer.status_code != 200:
            raise refusal("Yahoo", answer.status_code, _headers(answer), answer.content, clock.now())
        _raise_if_error(answer.content)
        return Received(request, answer.content, 200, kept_headers(_headers(answer)), clock.now())

    def _ask(self, request: Request) -> Response:
        """Return the chart's answer, whatever its status; yfinance's opinion of it does not count."""
        _share(self._session, self._cache_folder)
        self._session.answer = None
        try:
            _history(self._session, request)
        except _Answered as answered:
            return answered.answer
        except RequestException as error:
            no_answer = unreachable if error.code in _NO_CONNECTION else interrupted
            raise no_answer("Yahoo", error) from error
        except Exception as error:
            if self._session.answer is None:
                raise _without_answer(request, error) from error
        return self._session.answer_in_hand()


class _Answered(Exception):
    """The answer is in hand: yfinance need neither ask again nor make a frame of it."""

    def __init__(self, answer: Response) -> None:
        super().__init__()
        self.answer = answer


class _Tee(Session[Response]):
    """A session that keeps the chart's answer, and sends all calls to `base_url` where one is given."""

    def __init__(self, base_url: str, timeout_seconds: float) -> None:
        super().__init__(impersonate="chrome")
        self._base_url = base_url
        self._timeout_seconds = timeout_seconds
        self.answer: Response | None = None

    def request(self, method: Any, url: str, *args: Any, **options: Any) -> Response:
        """Send one call; see the class."""
        options["timeout"] = self._timeout_seconds
        response = super().request(method, self._rebased(url), *args, **options)
        if CHART_PATH in response.url:  # where redirects led to, which may be a page that asks for consent
            self._keep(response)
        return response

    def _keep(self, response: Response) -> None:
        """Keep the chart; of the question that yfinance asks before (the exchange's zone), only a refusal."""
        is_bars = "period1=" in response.url
        is_refusal = response.status_code >= 400
        if response.status_code not in _LEFT_TO_YFINANCE and (is_bars or is_refusal):
            raise _Answered(response)
        if is_bars:
            self.answer = response

    def answer_in_hand(self) -> Response:
        """Return the last refusal (401, 403) that yfinance could not talk Yahoo out of."""
        if self.answer is None:
            raise RetriableProviderError("yfinance asked Yahoo for no chart", TRY_LATER)
        return self.answer

    def _rebased(self, url: str) -> str:
        if not self._base_url:
            return url
        base, asked = urlsplit(self._base_url), urlsplit(url)
        return urlunsplit((base.scheme, base.netloc, base.path + (asked.path or "/"), asked.query, ""))


def _history(session: _Tee, request: Request) -> None:
    """Let yfinance ask for the window: prices as Yahoo has them, with events, regular hours only."""
    YfData.cache_get.cache_clear()  # else a window asked before is answered from memory, and nothing is teed
    yfinance.Ticker(str(request.parameters["symbol"]), session=session).history(
        start=request.window_start,
        end=request.window_end,
        interval=str(request.parameters["interval"]),
        auto_adjust=False,
        actions=True,
        prepost=False,
    )


def _share(session: _Tee, cache_folder: Path) -> None:
    """Make yfinance's process-wide state ours: session, cache folder, and exceptions that are raised."""
    cache_folder.mkdir(parents=True, exist_ok=True)
    shared = SingletonMeta._instances.get(YfData)
    if shared is not None and shared._session is not session:
        forget_shared_state()
    if _TzDBManager.get_location() != str(cache_folder):
        yfinance.set_tz_cache_location(str(cache_folder))
        # These hold the database of the folder before, once they were used.
        _TzCacheManager._tz_cache = _CookieCacheManager._Cookie_cache = None
    YfConfig.debug.hide_exceptions = False


def forget_shared_state() -> None:
    """Drop yfinance's process-wide session, cookie and crumb: they belong to another provider object."""
    with SingletonMeta._lock:
        SingletonMeta._instances.pop(YfData, None)


def _refuse_impossible(request: Request, now: datetime) -> None:
    capability = capability_of(str(request.parameters["interval"]))
    start, end = request.window_start, request.window_end
    if start is None or end is None or start >= end:
        raise RefusedRequest("Yahoo is asked for a window", "Give window_start before window_end")
    if capability.widest_window is not None and end - start > capability.widest_window:
        raise RefusedRequest(
            f"Yahoo gives {capability.interval} bars for {capability.widest_window.days} days a request",
            "Ask for fewer sessions at once",
        )
    if capability.wall is not None and start < now - capability.wall:
        raise BeyondWall(
            f"Yahoo gives {capability.interval} bars for the last {capability.wall.days} days, not {start}",
            "Load older minutes from recorded files (docs/providers/recorded.md)",
            now - capability.wall,
        )


def _raise_if_error(body: bytes) -> None:
    """Raise what an error body with status 200 says; an unreadable one is kept and quarantined."""
    try:
        chart_result(body)
    except MalformedPayload:
        return


def _without_answer(request: Request, error: Exception) -> Exception:
    """Return what yfinance's exception means where it asked for no chart."""
    symbol = request.parameters["symbol"]
    if isinstance(error, YFRateLimitError):
        return RetriableProviderError("Yahoo limits requests from this address (HTTP 429)", TRY_LATER)
    if isinstance(error, YFTzMissingError):
        return RefusedRequest(f"Yahoo does not know '{symbol}'", "Correct the symbol in the universe file")
    if isinstance(error, YFException | OSError):
        return interrupted("Yahoo", error)
    return error


def _headers(answer: Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if value is not None}
