import time
from datetime import date
from tests.providers.test_trial_sets import HEADER_LINES, raw_lines
from findata_assets.steps.sources import *
from findata_assets.steps.due_steps import run_due
from tests.conftest import PROJECT
from psycopg import sql
M=PROJECT/"tests/manifests/bars_1m.toml"
def test_x(make_module_platform, trial_data):
    p=make_module_platform(calendar_start=date(2013,1,2))
    t=time.time(); refresh_reference(p); print("ref",time.time()-t)
    l=load_recorded(p, trial_data/"bars_1m", M, "bars"); print("load",time.time()-t)
    for k,v in l.sets.items(): print(k,v)
    print(len(l.skipped))
    r=run_due(p); print("due",time.time()-t)
    for k,v in r.items(): print(k,v.rows_written,v.rows_unchanged,v.rows_revised,v.rows_quarantined)
    f=lambda q: print(p.store.database.frame(sql.SQL(q)).rows())
    f("select source, interval, count(*) from market.bars group by 1,2 order by 1,2")
    f("select source, interval, count(*) from market.bars_1d group by 1,2 order by 1,2")
    f("select source, interval, count(*) from history.bars group by 1,2 order by 1,2")
    f("select table_name, rule, p.request->'parameters'->'reading'->>'name' as s, count(*), count(distinct row_number) from ops.quarantine q join ops.payloads p using(payload_id) group by 1,2,3 order by 1,2,3")
    f("select session_phase, source, count(*) from market.bars group by 1,2 order by 2,1")
    f("select count(*) from ops.due"); f("select count(*) from ops.lake_dirty")
    r=run_due(p); print("again",time.time()-t, sum(v.rows_written for v in r.values()))
