from tests.orchestration import Orchestrated
import time

def test_x(dagster: Orchestrated) -> None:
    t=time.time(); r=dagster.load(); print(time.time()-t, r.done, dagster.said)
    t=time.time(); r=dagster.load(); print(time.time()-t, r.done)
