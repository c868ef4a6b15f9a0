import time, cProfile, pstats
from findata_assets.steps.proof import verify, rebuild
from tests.steps.test_proof import *
def test_a(proven):
    for i in range(2):
        t=time.time()
        pr=cProfile.Profile(); pr.enable()
        verify(proven, lambda m: print(round(time.time()-t,2), m))
        pr.disable(); print(time.time()-t)
    pstats.Stats(pr).sort_stats('tottime').print_stats(18)
del verify
from findata_assets.steps.proof import verify
