"""What Prometheus is told of the server."""

from __future__ import annotations

import httpx
from prometheus_client.parser import text_string_to_metric_families

from findata_assets.steps.platform import Platform
from tests.serving.served import served

CANDLES = "/v1/instruments/{instrument_id}/candles"


def samples(client: httpx.Client) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    text = client.get("/metrics").text
    found = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(one.name, tuple(sorted(one.labels.items()))): one.value for one in found}


def test_requests_are_counted_by_route_and_status_and_never_by_what_callers_wrote(
    loaded_sample: Platform,
) -> None:
    with served(loaded_sample) as client:
        for path in ("MSFT.XNAS/candles", "AZN.XLON/candles", "NONE.XNAS/candles"):
            client.get(f"/v1/instruments/{path}")
        for path in ("/one", "/two"):
            client.get(path)
        found = samples(client)

    def count(route: str, status: str) -> float:
        labels = (("method", "GET"), ("route", route), ("status", status))
        return found["findata_serving_requests_total", labels]

    assert (count(CANDLES, "200"), count(CANDLES, "404"), count("none", "404")) == (2, 1, 2)
    assert found["findata_serving_seconds_count", (("route", CANDLES),)] == 3
    assert found["findata_serving_connections", (("pool", "hot"), ("state", "idle"))] == 1
    assert found["findata_serving_connections", (("pool", "hot"), ("state", "busy"))] == 0
    routes = {value for _, labels in found for name, value in labels if name == "route"}
    assert not any("MSFT" in route or "one" in route.split("/") for route in routes)
